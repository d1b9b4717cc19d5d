// SPDX-License-Identifier: MIT
//
// What is not ours still kills, or reaches the previous action, whatever that is; and each such fault has
// a sibling that is ours and does not.
#include <doctest/doctest.h>
#include <nosigbus/copy.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>

#include <string>

#include "support/chain_fixture.h"
#include "support/fault_context.h"

namespace {

using namespace test;

// Mappings of one file of one page, two pages long.
struct memory {
  shared_file file{page_size()};
  unsigned char* foreign = file.map(2 * page_size(), PROT_READ | PROT_WRITE);
  unsigned char *region = nullptr, *discarding = nullptr, *executable = nullptr, *released = nullptr;

  memory() {
    region = adopt(PROT_READ | PROT_WRITE, 0, nullptr);
    discarding = adopt(PROT_READ | PROT_WRITE, NOSIGBUS_DISCARD_WRITES, nullptr);
    executable = adopt(PROT_READ | PROT_EXEC, 0, nullptr);
    nosigbus_region* gone = nullptr;
    released = adopt(PROT_READ, 0, &gone);
    CHILD_CHECK(nosigbus_region_release(gone) == 0);
  }
  unsigned char* adopt(int prot, unsigned flags, nosigbus_region** out) const {
    unsigned char* const address = file.map(2 * page_size(), prot);
    nosigbus_region* region_out = nullptr;
    CHILD_CHECK(nosigbus_adopt(&region_out, address, 2 * page_size(), file.fd(), flags) == 0);
    if (out != nullptr) *out = region_out;
    return address;
  }
};

void load(const unsigned char* p) { static_cast<void>(*static_cast<const volatile unsigned char*>(p)); }
void store(unsigned char* p) { *static_cast<volatile unsigned char*>(p) = 1; }
// Of the test's own code, so that the address is no constant to the compiler.
unsigned char* volatile g_null = nullptr;

// Something that a program does, and the signal that it raises.
struct deed {
  std::string name;
  int signo;
  void (*perform)(const memory&);
};

unsigned char* behind(unsigned char* mapping) { return mapping + page_size(); }

size_t read_byte(unsigned char* from) {
  unsigned char byte;
  return nosigbus_safe_read(&byte, from, 1);
}
size_t write_byte(unsigned char* to) {
  const unsigned char byte = 1;
  return nosigbus_safe_write(to, &byte, 1);
}

const deed safe_read_null{"safe_read of NULL", SIGSEGV, [](auto&) { CHILD_CHECK(read_byte(g_null) == 0); }};

const deed ours[] = {
    {"region read", SIGBUS, [](auto& m) { load(behind(m.region)); }},
    {"discarded write", SIGBUS, [](auto& m) { store(behind(m.discarding)); }},
    {"safe_read", SIGBUS, [](auto& m) { CHILD_CHECK(read_byte(behind(m.foreign)) == 0); }},
    {"safe_write", SIGBUS, [](auto& m) { CHILD_CHECK(write_byte(behind(m.foreign)) == 0); }},
    safe_read_null,  // with NOSIGBUS_CATCH_SEGV
};

const deed foreign[] = {
    {"read", SIGBUS, [](auto& m) { load(behind(m.foreign)); }},
    {"write", SIGBUS, [](auto& m) { store(behind(m.foreign)); }},
    {"region write", misuse_signal(), [](auto& m) { store(behind(m.region)); }},
    {"region execute", misuse_signal(),
     [](auto& m) { reinterpret_cast<void (*)()>(behind(m.executable))(); }},
    {"released region read", SIGBUS, [](auto& m) { load(behind(m.released)); }},
    {"safe_read to bad memory", SIGBUS, [](auto& m) { nosigbus_safe_read(behind(m.foreign), m.foreign, 1); }},
    {"safe_write from bad memory", SIGBUS,
     [](auto& m) { nosigbus_safe_write(m.foreign, behind(m.foreign), 1); }},
    {"NULL read", SIGSEGV, [](auto&) { load(g_null); }},
    {"NULL write", SIGSEGV, [](auto&) { store(g_null); }},
    {"write to a read-only page", SIGSEGV, [](auto& m) { store(m.released); }},
    {"safe_read to NULL", SIGSEGV, [](auto& m) { nosigbus_safe_read(g_null, m.foreign, 1); }},
};

// With what could pass for an address of ours.
template <int signo>
void send(const memory& m) {
  sigqueue(getpid(), signo, sigval{.sival_ptr = behind(m.region)});
}
const deed sent[] = {{"sent SIGBUS", SIGBUS, send<SIGBUS>}, {"sent SIGSEGV", SIGSEGV, send<SIGSEGV>}};

enum class previous { by_default, ignored, restores_default, raises_again };

const shared_count* g_calls = nullptr;

// Two ways in which crash handlers let a signal kill in the end.
void restore_default(int signo) {
  ++*g_calls;
  signal(signo, SIG_DFL);
}

void raise_again(int signo, siginfo_t*, void*) {
  ++*g_calls;
  signal(signo, SIG_DFL);
  raise(signo);
}

void set_previous(previous p) {
  struct sigaction action {};
  if (p == previous::ignored) action.sa_handler = SIG_IGN;
  if (p == previous::restores_default) action.sa_handler = restore_default;
  if (p == previous::raises_again) {
    action.sa_sigaction = raise_again;
    action.sa_flags = SA_SIGINFO;
  }
  for (const int signo : {SIGBUS, SIGSEGV}) CHILD_CHECK(sigaction(signo, &action, nullptr) == 0);
}

constexpr previous all_previous[] = {previous::by_default, previous::ignored, previous::restores_default,
                                     previous::raises_again};

bool calls_handler(previous p) { return p == previous::restores_default || p == previous::raises_again; }

void check(const deed& what, previous p, unsigned flags, outcome end, int handler_calls) {
  INFO(what.name, ", previous action ", static_cast<int>(p), ", flags ", flags);
  const shared_count calls;
  g_calls = &calls;
  CHECK(in_child([&] {
          set_previous(p);
          CHILD_CHECK(nosigbus_install(flags) == 0);
          const memory m;
          what.perform(m);
          return 0;
        }) == end);
  CHECK(calls.get() == handler_calls);
}

}  // namespace

TEST_CASE("Faults of ours: nobody else hears of them") {
  for (const deed& what : ours) {
    for (const previous p : all_previous) check(what, p, NOSIGBUS_CATCH_SEGV, exited(0), 0);
  }
}

TEST_CASE("Faults that are not ours kill under every previous action, after its handler has been called") {
  for (const deed& what : foreign) {
    for (const previous p : all_previous) {
      for (const unsigned flags : {0u, NOSIGBUS_CATCH_SEGV}) {
        check(what, p, flags, killed_by(what.signo), calls_handler(p) ? 1 : 0);
      }
    }
  }
}

TEST_CASE("A guarded operation on NULL dies without NOSIGBUS_CATCH_SEGV") {
  for (const previous p : all_previous) {
    check(safe_read_null, p, 0, killed_by(SIGSEGV), calls_handler(p) ? 1 : 0);
  }
}

TEST_CASE("Sent signals are delivered, wherever their value points") {
  for (const deed& what : sent) {
    for (const previous p : all_previous) {
      const bool survives = p == previous::ignored || p == previous::restores_default;
      for (const unsigned flags : {0u, NOSIGBUS_CATCH_SEGV}) {
        check(what, p, flags, survives ? exited(0) : killed_by(what.signo), calls_handler(p) ? 1 : 0);
      }
    }
  }
}

namespace {

enum class order { install_first, map_first };

// In a child: a writable region of two pages on a file of one, and its overlay there.
unsigned char* overlaid_region(const shared_file& file, order how, unsigned flags) {
  signal(SIGSEGV, SIG_DFL);
  signal(SIGBUS, SIG_DFL);
  nosigbus_region* region = nullptr;
  if (how == order::install_first) CHILD_CHECK(nosigbus_install(0) == 0);
  CHILD_CHECK(nosigbus_map(&region, file.fd(), 0, 2 * page_size(), PROT_READ | PROT_WRITE, flags) == 0);
  if (how == order::map_first) CHILD_CHECK(nosigbus_install(0) == 0);
  auto* const missing = static_cast<unsigned char*>(nosigbus_region_data(region)) + page_size();
  load(missing);
  return missing;
}

}  // namespace

TEST_CASE("A write to a read-only overlay: a guarded one survives without CATCH_SEGV, a plain one does not") {
  const shared_file file(page_size());
  for (const order how : {order::install_first, order::map_first}) {
    CAPTURE(static_cast<int>(how));
    CHECK(in_child([&] {
            unsigned char* const missing = overlaid_region(file, how, 0);
            const unsigned char bytes[16] = {1, 2, 3};
            CHILD_CHECK(nosigbus_safe_write(missing, bytes, sizeof bytes) == 0);
            CHILD_CHECK(nosigbus_safe_write(missing - 5, bytes, sizeof bytes) == 5);
            CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_EOF);
            CHILD_CHECK(nosigbus_last_fault()->address == reinterpret_cast<uintptr_t>(missing));
            CHILD_CHECK(nosigbus_safe_fill(missing, 1, 1) == 0);
            CHILD_CHECK(*missing == 0);
            return 0;
          }) == exited(0));
    CHECK(in_child([&] {
            store(overlaid_region(file, how, 0));
            return 0;
          }) == killed_by(SIGSEGV));
    CHECK(in_child([&] {
            store(overlaid_region(file, how, NOSIGBUS_DISCARD_WRITES));
            return 0;
          }) == exited(0));
  }
}

TEST_CASE("Where SIGSEGV is taken for overlays alone, every other SIGSEGV kills") {
  const shared_file file(page_size());
  CHECK(in_child([&] {
          overlaid_region(file, order::map_first, 0);
          load(g_null);
          return 0;
        }) == killed_by(SIGSEGV));
  CHECK(in_child([&] {
          unsigned char byte;
          overlaid_region(file, order::map_first, 0);
          nosigbus_safe_read(&byte, g_null, 1);
          return 0;
        }) == killed_by(SIGSEGV));
  CHECK(in_child([&] {
          const unsigned char byte = 0;
          overlaid_region(file, order::map_first, 0);
          nosigbus_safe_write(file.map(page_size(), PROT_READ), &byte, 1);
          return 0;
        }) == killed_by(SIGSEGV));
}
