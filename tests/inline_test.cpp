// SPDX-License-Identifier: MIT
//
// Every inline operation, compiled as C and as C++ and called, on good memory and on each kind of bad memory.
#include <doctest/doctest.h>
#include <nosigbus/copy.h>
#include <nosigbus/region.h>

#include <cerrno>
#include <span>

#include "inline/arena.h"
#include "inline/operation.h"
#include "support/entry.h"

using namespace test;

namespace {

constexpr uint64_t argument = 0xc1b2'a394'8576'6758;

const operation* const tables[] = {operations_in_c, operations_in_cpp, operations_by_call};

template <class Body>
void for_each_operation(Body body, std::span<const operation* const> of = tables) {
  for (const operation* const table : of) {
    for (const operation* op = table; op->name != nullptr; ++op) body(*op);
  }
}

uint64_t low_bytes(uint64_t value, unsigned size) {
  return size == 8 ? value : value & ((uint64_t{1} << 8 * size) - 1);
}

uint64_t bytes_at(const void* address, unsigned size) {
  uint64_t value = 0;
  memcpy(&value, address, size);
  return value;
}

void check_success(const operation& op, unsigned char* at) {
  const unsigned char before = at[-1], behind = at[op.size];
  const uint64_t old = pattern_at(at, op.size);
  uint64_t out = 0;
  const int result = op.run(at, argument, &out);
  if (result != 0 || at[-1] != before || at[op.size] != behind) {
    dprintf(2, "%s: %d\n", op.name, result);
    _exit(98);
  }
  const uint64_t value = low_bytes(argument, op.size);
  CHILD_CHECK(out == (op.effect == does_store ? argument : old));
  switch (op.effect) {
    case does_load:
    case does_compare:
      CHILD_CHECK(bytes_at(at, op.size) == old);
      break;
    case does_store:
    case does_exchange:
      CHILD_CHECK(bytes_at(at, op.size) == value);
      break;
    case does_add:
      CHILD_CHECK(bytes_at(at, op.size) == low_bytes(old + value, op.size));
      break;
  }
}

// at: its access reaches the page `bad`.
void check_failure(const operation& op, unsigned char* at, badness kind, const unsigned char* bad) {
  uint64_t out = 0;
  const int result = op.run(at, argument, &out);
  if (result != -EFAULT) dprintf(2, "%s: %d\n", op.name, result);
  CHILD_CHECK(result == -EFAULT);

  CHILD_CHECK(low_bytes(out, op.size) == low_bytes(argument, op.size));  // untouched
  const nosigbus_fault& fault = *nosigbus_last_fault();
  CHILD_CHECK(fault.cause == cause_of(kind));
  CHILD_CHECK(fault.signo == signal_of(kind));
  CHILD_CHECK(fault.address == reinterpret_cast<uintptr_t>(at < bad ? bad : at));
  CHILD_CHECK(fault.pc != 0);
  if (op.effect == does_load) CHILD_CHECK(fault.access == NOSIGBUS_READ);
  if (op.effect == does_store) CHILD_CHECK(fault.access == NOSIGBUS_WRITE);
}

void matrix(const operation& op, badness kind) {
  arena memory(kind);
  const unsigned size = op.size, step = op.atomic ? size : 1;
  // Good: at every alignment, up to the last bytes but one.
  for (unsigned i = 0; i < 16; i += step) {
    check_success(op, memory.bad() - (size + 16) + i);
    memory.draw();
    check_success(op, memory.behind() + 16 + i);
    memory.draw();
  }
  // Bad: from the byte before the first one on, and the bad page's last bytes.
  unsigned char* const first = memory.bad() - (op.atomic ? 0 : size - 1);
  for (unsigned char* at = first; at <= memory.bad() + 16; at += step) {
    check_failure(op, at, kind, memory.bad());
  }
  check_failure(op, memory.behind() - size, kind, memory.bad());
  for (unsigned i = 0; i < page_size(); ++i) {
    CHILD_CHECK(memory.behind()[i] == pattern_at(memory.behind() + i, 1));
  }
}

}  // namespace

TEST_CASE("each operation does its work on good memory and says -EFAULT on bad memory") {
  for (const entry how : entries) {
    for (const badness kind : all_badness) {
      CAPTURE(static_cast<int>(kind));
      CHECK(in_child([=] {
              enter_by(how, kind == badness::truncated ? 0 : NOSIGBUS_CATCH_SEGV);
              for_each_operation([=](const operation& op) { matrix(op, kind); });
              return 0;
            }) == exited(0));
    }
  }
}

TEST_CASE("the last bytes of the last good page are good") {
  CHECK(in_child([] {
          for_each_operation([](const operation& op) {
            arena memory(badness::unmapped);
            uint64_t out = 0;
            CHILD_CHECK(op.run(memory.bad() - op.size, argument, &out) == 0);
            CHILD_CHECK(op.run(memory.behind(), argument, &out) == 0);
          });
          return 0;
        }) == exited(0));
}

TEST_CASE("a page that can be read but not written is bad for what writes") {
  CHECK(in_child([] {
          enter_by(entry::installed, NOSIGBUS_CATCH_SEGV);
          for_each_operation([](const operation& op) {
            const arena memory(badness::unmapped);
            CHILD_CHECK(mprotect(memory.good(), page_size(), PROT_READ) == 0);
            uint64_t out = 0;
            const int result = op.run(memory.good() + 64, argument, &out);
            // What finds something else does not write on every processor.
            CHILD_CHECK(op.effect == does_compare || result == (op.effect == does_load ? 0 : -EFAULT));
            if (result != 0) CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_PROTECTED);
          });
          return 0;
        }) == exited(0));
}

TEST_CASE("an operation that meets nothing leaves the record of the last fault alone") {
  CHECK(in_child([] {
          enter_by(entry::installed);
          const arena memory(badness::truncated);
          const uint32_t good = 7;
          uint32_t out = 0;
          CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_NONE);
          CHILD_CHECK(nosigbus_safe_load32(&good, &out) == 0 && out == 7);
          CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_NONE);
          CHILD_CHECK(nosigbus_safe_load32(memory.bad(), &out) == -EFAULT && out == 7);
          CHILD_CHECK(nosigbus_safe_load32(&good, &out) == 0);
          CHILD_CHECK(nosigbus_last_fault()->address == reinterpret_cast<uintptr_t>(memory.bad()));
          CHILD_CHECK(nosigbus_safe_read(&out, &good, sizeof out) == sizeof out);
          CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_NONE);
          return 0;
        }) == exited(0));
}

TEST_CASE("where a region supplies zeros they are loaded, and a store goes where the region lets it") {
  for (const unsigned flags : {0u, NOSIGBUS_DISCARD_WRITES}) {
    CHECK(in_child([=] {
            enter_by(entry::installed);
            for_each_operation([=](const operation& op) {
              shared_file file(page_size());
              nosigbus_region* region = nullptr;
              CHILD_CHECK(nosigbus_map(&region, file.fd(), 0, page_size(), PROT_READ | PROT_WRITE, flags) ==
                          0);
              auto* const at = static_cast<unsigned char*>(nosigbus_region_data(region)) + 64;
              file.resize(0);
              uint64_t out = 1;
              const int result = op.run(at, argument, &out);
              if (op.effect == does_load) {
                CHILD_CHECK(result == 0 && out == 0);
              } else if (strncmp(op.name, "compare", 7) == 0) {
                // Finds zeros instead of what it expects, on a processor where that is no write.
                CHILD_CHECK(out == 0 || (result == -EFAULT && flags == 0));
              } else if (flags == 0) {
                CHILD_CHECK(result == -EFAULT);
              } else {
                CHILD_CHECK(result == 0 && bytes_at(at, op.size) == low_bytes(argument, op.size));
              }
              CHILD_CHECK(nosigbus_region_release(region) == 0);
            });
            return 0;
          }) == exited(0));
  }
}

TEST_CASE("without a handler, or without its flag, the fault kills") {
  for_each_operation([](const operation& op) {
    CAPTURE(op.name);
    uint64_t out = 0;
    for (const badness kind : all_badness) {
      CHECK(in_child([&] { return op.run(arena(kind).bad(), 0, &out); }) == killed_by(signal_of(kind)));
    }
    CHECK(in_child([&] {
            enter_by(entry::installed);  // without NOSIGBUS_CATCH_SEGV
            return op.run(arena(badness::protected_page).bad(), 0, &out);
          }) == killed_by(SIGSEGV));
  });
}

namespace {

// Replaces this program's rows by one: the instruction that faulted last, with other accesses guarded.
void guard_otherwise(uint32_t accesses) {
  static nosigbus_extable_row g_row;
  const uintptr_t pc = nosigbus_last_fault()->pc;
  const auto resolve = [](const int32_t& field) {
    return reinterpret_cast<uintptr_t>(&field) + static_cast<uintptr_t>(field);
  };
  const auto relative = [](int32_t& field, uintptr_t to) {
    field = static_cast<int32_t>(static_cast<intptr_t>(to - reinterpret_cast<uintptr_t>(&field)));
  };
  for (const auto* row = __start_nosigbus_extable; row != __stop_nosigbus_extable; ++row) {
    if (resolve(row->instruction) != pc) continue;
    relative(g_row.instruction, pc);
    relative(g_row.landing, resolve(row->landing));
    g_row.flags = accesses;
  }
  CHILD_CHECK(g_row.flags == accesses);
  while (nosigbus_extable_unregister(__start_nosigbus_extable) == 0) {
  }
  CHILD_CHECK(nosigbus_extable_register(&g_row, &g_row + 1) == 0);
}

}  // namespace

TEST_CASE("an access of a kind that the row does not guard kills") {
  if (__start_nosigbus_extable == nullptr) {
    MESSAGE("skipped: operations are calls here");
    return;
  }
  const auto check = [](const operation& op) {
    if (op.effect != does_load && op.effect != does_store) return;
    CAPTURE(op.name);
    const uint32_t own = op.effect == does_load ? NOSIGBUS_ROW_READ : NOSIGBUS_ROW_WRITE;
    for (const uint32_t accesses : {NOSIGBUS_ROW_READ, NOSIGBUS_ROW_WRITE}) {
      CHECK(in_child([&] {
              enter_by(entry::installed);
              const arena memory(badness::truncated);
              uint64_t out = 0;
              CHILD_CHECK(op.run(memory.bad(), 0, &out) == -EFAULT);
              guard_otherwise(accesses);
              CHILD_CHECK(op.run(memory.bad(), 0, &out) == -EFAULT);
              return 0;
            }) == (accesses == own ? exited(0) : killed_by(SIGBUS)));
    }
  };
  // What is called has its rows elsewhere.
  for_each_operation(check, std::span(tables).first(2));
}
