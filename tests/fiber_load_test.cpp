// SPDX-License-Identifier: MIT
//
// Fibers that stand at a load, which is given its value; and guarded loads that stop them.
#include <nosigbus/inline.h>
#include <sys/mman.h>
#include <nosigbus/fiber.hpp>
#include <nosigbus/inline.hpp>

#include <cerrno>
#include <cstring>
#include <nosigbus/nosigbus.hpp>
#include <thread>
#include <vector>

#include "support/each_entry.h"
#include "support/no_tsan.h"
#include "support/on_stack.h"
#include "support/shared_file.h"

using namespace test;

namespace {

const size_t page = page_size();
constexpr uint64_t given = 0x8182'8384'8586'8788;

unsigned char* cut_off() {
  shared_file file(page);
  unsigned char* const at = file.map(page, PROT_READ | PROT_WRITE);
  file.resize(0);
  return at;
}

// Of whatever signedness, extended to 64 bits.
template <class T>
uint64_t load_plainly(const void* at) {
  return static_cast<uint64_t>(*static_cast<const volatile T*>(at));
}
template <class T>
uint64_t load_guarded(const void* at) {
  return static_cast<uint64_t>(nosigbus::load(static_cast<const T*>(at)).value());
}
uint64_t load_in_order(const void* at) {
  uint64_t value = 0;
  CHILD_CHECK(nosigbus_safe_load_acquire64(at, &value) == 0);
  return value;
}

const struct {
  const char* name;
  uint64_t (*load)(const void*);
  uint64_t seen;
  bool guarded;
} loads[] = {
    {"uint8_t", load_plainly<uint8_t>, 0x88, false},
    {"int8_t", load_plainly<int8_t>, 0xffff'ffff'ffff'ff88, false},
    {"uint16_t", load_plainly<uint16_t>, 0x8788, false},
    {"int16_t", load_plainly<int16_t>, 0xffff'ffff'ffff'8788, false},
    {"uint32_t", load_plainly<uint32_t>, 0x8586'8788, false},
    {"int32_t", load_plainly<int32_t>, 0xffff'ffff'8586'8788, false},
    {"uint64_t", load_plainly<uint64_t>, given, false},
    {"guarded uint8_t", load_guarded<uint8_t>, 0x88, true},
    {"guarded int8_t", load_guarded<int8_t>, 0xffff'ffff'ffff'ff88, true},
    {"guarded uint16_t", load_guarded<uint16_t>, 0x8788, true},
    {"guarded uint32_t", load_guarded<uint32_t>, 0x8586'8788, true},
    {"guarded int32_t", load_guarded<int32_t>, 0xffff'ffff'8586'8788, true},
    {"guarded uint64_t", load_guarded<uint64_t>, given, true},
    {"guarded uint64_t, acquired", load_in_order, given, true},
};

nosigbus::fiber::options with_loads() {
  nosigbus::fiber::options how;
  how.guarded_loads = true;
  return how;
}

}  // namespace

TEST_CASE("skipped: a load has the value, and the file has not" NO_TSAN("does not know of the stacks")) {
  for (const auto& one : loads) {
    CAPTURE(std::string(one.name));
    in_each_entry(exited(0), [&] {
      const unsigned char* const bad = cut_off();
      uint64_t seen[3] = {};
      nosigbus::fiber f(
          [&] {
            for (uint64_t& value : seen) value = one.load(bad);
          },
          with_loads());
      CHILD_CHECK(f.skip(0).error() == -EINVAL);
      auto stop = f.resume();
      for (size_t i = 0; i < 3; ++i) {
        CHILD_CHECK(stop.faulted() && stop.fault().address == reinterpret_cast<uintptr_t>(bad));
        if (i == 1) {
          std::thread([&] { stop = f.skip(given); }).join();
        } else {
          stop = f.skip(given);
        }
        CHILD_CHECK(stop.error() == 0);
      }
      CHILD_CHECK(stop.finished());
      for (const uint64_t value : seen) CHILD_CHECK(value == one.seen);
    });
  }
}

TEST_CASE(
    "what is no such load is not skipped, and still stands there" NO_TSAN("does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    unsigned char* const bad = cut_off();
    void* (*const volatile the_memcpy)(void*, const void*, size_t) = memcpy;
    std::vector<unsigned char> to(page, 0xff);
    const std::function<void()> others[] = {
        [&] { *static_cast<volatile unsigned char*>(bad) = 1; },
        [&] { the_memcpy(to.data(), bad, page); },
        [&] { __atomic_fetch_add(reinterpret_cast<uint32_t*>(bad), 1, __ATOMIC_SEQ_CST); },
    };
    for (const auto& other : others) {
      void* const fresh =
          mmap(bad, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, shared_file(0).fd(), 0);
      CHILD_CHECK(fresh == bad);
      nosigbus::fiber f(other);
      CHILD_CHECK(f.resume().faulted());
      const auto stop = f.skip(given);
      CHILD_CHECK(stop.faulted() && stop.error() == -ENOTSUP);
      CHILD_CHECK(stop.fault().address - reinterpret_cast<uintptr_t>(bad) < page);
      on_alternate_stack([&] { CHILD_CHECK(f.skip(given).error() == -EPERM); });
      CHILD_CHECK(f.fill().finished());
      CHILD_CHECK(f.skip(given).error() == -EINVAL);
    }
    CHILD_CHECK(to == std::vector<unsigned char>(page));
  });
}

TEST_CASE("a guarded load stops its fiber on request, and ends by itself otherwise" NO_TSAN(
    "does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    const unsigned char* const bad = cut_off();
    const unsigned char* const later = cut_off();
    std::vector<int> results;
    const auto work = [&] {
      for (const unsigned char* at : {bad, bad, later}) {
        uint32_t value = 0;
        results.push_back(nosigbus_safe_load32(at, &value));
        if (results.back() == 0) results.push_back(static_cast<int>(value));
      }
    };
    nosigbus::fiber without(work);
    CHILD_CHECK(without.resume().finished());
    CHILD_CHECK((results == std::vector<int>{-EFAULT, -EFAULT, -EFAULT}));
    results.clear();

    nosigbus::fiber f(work, with_loads());
    CHILD_CHECK(f.resume().faulted());
    // Fails as ever, on whatever thread.
    std::thread([&] {
      nosigbus_fault before{};
      CHILD_CHECK(f.unwind().faulted());
      before = *nosigbus_last_fault();
      CHILD_CHECK(before.cause == NOSIGBUS_MISSING && before.address == reinterpret_cast<uintptr_t>(bad));
    }).join();
    CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_MISSING);  // of the one without
    CHILD_CHECK(f.skip(42).faulted());
    const std::byte bytes[] = {std::byte{7}};
    CHILD_CHECK(f.fill(bytes).finished());
    CHILD_CHECK((results == std::vector<int>{-EFAULT, 0, 42, 0, 7}));
    const auto stats = nosigbus::stats();
    CHILD_CHECK(stats.absorbed_by_operation == 4 && stats.absorbed_by_guard == 2);
  });
}

TEST_CASE("other guarded operations, and loads elsewhere, end by themselves" NO_TSAN(
    "does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    unsigned char* const bad = cut_off();
    unsigned char* const elsewhere = cut_off();
    nosigbus::fiber::options how = with_loads();
    how.base = bad;
    how.length = page;
    int ran = 0;
    nosigbus::fiber f(
        [&] {
          uint32_t value = 0;
          unsigned char bytes[16];
          CHILD_CHECK(nosigbus_safe_load32(elsewhere, &value) == -EFAULT);
          CHILD_CHECK(nosigbus_safe_store32(bad, 1) == -EFAULT);
          CHILD_CHECK(nosigbus_safe_fetch_add32(bad, 1, &value) == -EFAULT);
          CHILD_CHECK(nosigbus_safe_read(bytes, bad, sizeof bytes) == 0);
          ++ran;
          // Guards within are asked for what code meets, not for what loads meet.
          CHILD_CHECK(nosigbus::guard([&] { return nosigbus_safe_load32(bad, &value); }));
          CHILD_CHECK(value == 5);
          CHILD_CHECK(!nosigbus::guard([&] { return *static_cast<volatile unsigned char*>(bad); }));
          ++ran;
        },
        how);
    const auto stop = f.resume();
    CHILD_CHECK(stop.faulted() && ran == 1);
    CHILD_CHECK(f.skip(5).finished() && ran == 2);
  });
}
