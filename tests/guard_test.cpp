// SPDX-License-Identifier: MIT
//
// Guards: what stops at a fault, wherever it is and however it got there; and what still kills.
#include <nosigbus/guard.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <nosigbus/nosigbus.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/each_entry.h"
#include "support/guard_forms.h"
#include "support/no_tsan.h"
#include "support/on_stack.h"
#include "support/readers.h"
#include "support/region_fixture.h"

using namespace test;

namespace {

const size_t page = page_size();

const reader own_readers[] = {
    {"own code", [](const bad_memory& m) { deep(m.bad(), 0); }},
    {"deep calls", [](const bad_memory& m) { deep(m.bad(), 1000); }},
};

void expect_stopped(guard_form how, const bad_memory& memory, const reader& way, int depth) {
  const nosigbus_fault fault = run_guarded(
      how, [&] { nested(depth, [&] { way.read(memory); }); }, memory.begin, memory.size());
  CHILD_CHECK(fault.signo == memory.signo);
  CHILD_CHECK(fault.cause == (memory.signo == SIGBUS ? NOSIGBUS_MISSING : NOSIGBUS_PROTECTED));
  CHILD_CHECK(fault.access == NOSIGBUS_READ || fault.access == NOSIGBUS_ACCESS_UNKNOWN);
  CHILD_CHECK(memory.holds(fault.address));
}

int calls_of_a_function() {
  static int g_calls;
  return ++g_calls;
}

}  // namespace

TEST_CASE(
    "code x place x nesting x signal: each guard stops at its fault" NO_TSAN("handlers that allocate")) {
  for (const reader& way : with_others(own_readers)) {
    for (const bool segv : {false, true}) {
      CAPTURE(std::string(way.name));
      CAPTURE(segv);
      in_each_entry(
          exited(0),
          [&] {
            nosigbus_install(segv ? NOSIGBUS_CATCH_SEGV : 0);
            const bad_memory memory = way.make(segv);
            for (int depth = 0; depth < 4; ++depth) {
              const auto work = [&] {
                for (const guard_form how : guard_forms) expect_stopped(how, memory, way, depth);
              };
              // More than once: what is left behind must not add up.
              for (int i = 0; i < 3; ++i) work();
              std::thread(work).join();
              with_alternate_stack(work);
              on_alternate_stack(work);
              on_own_stack_in_handler(work);
            }
            CHILD_CHECK(nosigbus::stats().absorbed_by_guard == 4 * 7 * 2);
            CHILD_CHECK(nosigbus::stats().absorbed == 4 * 7 * 2);
          },
          20, entries_of_stacks);
    }
  }
}

TEST_CASE("what returns by itself has its value, and no fault") {
  CHECK(in_child([] {
          enter_by(entry::installed);
          nosigbus_fault fault;
          memset(&fault, 0xff, sizeof fault);
          CHILD_CHECK(nosigbus_guard([](void* arg) { return *static_cast<int*>(arg) + 1; },
                                     std::make_unique<int>(41).get(), nullptr, 0, &fault) == 42);
          const nosigbus_fault none{};
          CHILD_CHECK(memcmp(&fault, &none, sizeof fault) == 0);
          CHILD_CHECK(nosigbus_guard([](void*) { return -EFAULT; }, nullptr, nullptr, 0, nullptr) == -EFAULT);
          auto text = nosigbus::guard([] { return std::string(100, 'x'); });
          CHILD_CHECK(text && text->size() == 100 && text.error() == 0);
          CHILD_CHECK(std::string(*std::move(text)) == std::string(100, 'x'));
          auto moved = nosigbus::guard([] { return std::make_unique<int>(7); });
          CHILD_CHECK(**moved == 7);
          return 0;
        }) == exited(0));
}

// Found by argument-dependent lookup, and not meant.
namespace app {
struct image {};
image parse() { return {}; }
template <class Fn>
void guard(Fn&&) = delete;
template <class Fn>
void guard(Fn&&, const void*, size_t) = delete;
}  // namespace app

// What returns says how it was called, and how often that was.
struct callable {
  int calls = 0;
  mutable int const_calls = 0;
  int operator()() & { return 10 + ++calls; }
  int operator()() const& { return 20 + ++const_calls; }
  int operator()() && { return 30 + ++calls; }
  callable* operator&() { return nullptr; }
  const callable* operator&() const { return nullptr; }
};

TEST_CASE("whatever can be called without arguments is called once, as what it is") {
  callable some;
  const callable fixed;
  CHECK(*nosigbus::guard(some) == 11);
  CHECK(*nosigbus::guard(std::ref(some)) == 12);
  CHECK(*nosigbus::guard(fixed) == 21);
  CHECK(*nosigbus::guard(callable()) == 31);
  const int before = calls_of_a_function();
  CHECK(*nosigbus::guard(calls_of_a_function) == before + 1);
  CHECK(*nosigbus::guard(&calls_of_a_function) == before + 2);
  CHECK(*nosigbus::guard([only = std::make_unique<int>(5)] { return ++*only; }) == 6);
  CHECK(nosigbus::guard(app::parse));
  // And what it returns is that, where its address is something else.
  auto returned = nosigbus::guard([] { return callable(); });
  CHECK(returned->calls == 0);
  CHECK(std::as_const(returned)->const_calls == 0);
}

TEST_CASE("a range that is none is refused, and nothing runs") {
  static int g_runs;
  const auto run = [](void*) { return ++g_runs; };
  const auto refused = [&](uintptr_t base, size_t length) {
    return nosigbus_guard(run, nullptr, reinterpret_cast<void*>(base), length, nullptr) == -EINVAL;
  };
  CHECK(nosigbus_guard(nullptr, nullptr, nullptr, 0, nullptr) == -EINVAL);
  CHECK(refused(page, 0));
  CHECK(refused(0, 1));
  CHECK(refused(UINTPTR_MAX, 2));
  CHECK(refused(page, SIZE_MAX - page + 2));
  CHECK(g_runs == 0);
  CHECK(!nosigbus::guard([] { return ++g_runs; }, nullptr, 1));
  CHECK(nosigbus::guard([] { return ++g_runs; }, nullptr, 1).error() == -EINVAL);
  CHECK(g_runs == 0);
}

TEST_CASE("the innermost guard that covers the address stops, the others go on") {
  in_each_entry(exited(0), [] {
    const bad_memory a = cut_off(), b = cut_off();
    int reached = 0;
    const auto outer = nosigbus::guard(
        [&] {
          const auto inner = nosigbus::guard([&] { deep(a.bad(), 3); }, a.begin, a.size());
          CHILD_CHECK(!inner && ++reached == 1);
          const auto any = nosigbus::guard([&] { deep(b.bad(), 3); });
          CHILD_CHECK(!any && ++reached == 2);
          nosigbus::guard([&] { return deep(b.bad(), 3); }, a.begin, a.size()).error();
          ++reached;
        },
        b.begin, b.size());
    CHILD_CHECK(!outer);
    CHILD_CHECK(reached == 2);
    // The first byte that counts, and the last.
    for (const size_t at : {size_t{0}, 2 * page, 3 * page - 1}) {
      CHILD_CHECK(!nosigbus::guard([&] { deep(a.bad() + at, 0); }, a.bad() + at, 1));
    }
  });
}

TEST_CASE("a pointer to nothing is caught on request") {
  in_each_entry(exited(0), [] {
    nosigbus_install(NOSIGBUS_CATCH_SEGV);
    const volatile uintptr_t nothing = 16;
    const auto result = nosigbus::guard([&] { deep(reinterpret_cast<const unsigned char*>(nothing), 3); });
    CHILD_CHECK(!result);
    CHILD_CHECK(result.fault().address == 16);
    CHILD_CHECK(result.fault().cause == NOSIGBUS_UNMAPPED);
  });
}

TEST_CASE("regions and guarded operations come first") {
  in_each_entry(exited(0), [] {
    shared_file file(4 * page);
    nosigbus::region absorbs = make_region(origin::mapped, file, 4 * page);
    nosigbus::region writable = make_region(origin::mapped, file, 4 * page, PROT_READ | PROT_WRITE);
    file.resize(page);
    const bad_memory memory = cut_off();
    const auto result = nosigbus::guard([&] {
      CHILD_CHECK(peek(absorbs, 2 * page) == 0);
      unsigned char byte;
      CHILD_CHECK(nosigbus_safe_read(&byte, memory.bad(), 1) == 0);
      return 1;
    });
    CHILD_CHECK(result);
    // A write is not absorbed, neither where the page is missing nor where zeros stand for it.
    for (int i = 0; i < 2; ++i) {
      const auto written =
          nosigbus::guard([&] { static_cast<volatile unsigned char*>(writable.data())[2 * page] = 1; },
                          writable.data(), writable.size());
      CHILD_CHECK(!written);
      CHILD_CHECK(written.fault().cause == NOSIGBUS_EOF);
      CHILD_CHECK(peek(writable, 2 * page) == 0);
    }
  });
}

TEST_CASE("what no guard covers kills as ever") {
  const struct {
    const char* name;
    void (*die)();
    int signo;
  } deaths[] = {
      {"another range",
       [] {
         const bad_memory a = cut_off(), b = cut_off();
         nosigbus::guard([&] { return deep(a.bad(), 1); }, b.begin, b.size()).error();
       },
       SIGBUS},
      {"one byte behind the range",
       [] {
         const bad_memory a = cut_off();
         nosigbus::guard([&] { return deep(a.bad() + 7, 1); }, a.bad(), 7).error();
       },
       SIGBUS},
      {"one byte in front of the range",
       [] {
         const bad_memory a = cut_off();
         nosigbus::guard([&] { return deep(a.bad() + 7, 1); }, a.bad() + 8, page).error();
       },
       SIGBUS},
      {"SIGSEGV that nobody asked for",
       [] {
         const bad_memory a = forbidden();
         nosigbus::guard([&] { return deep(a.bad(), 1); }).error();
       },
       SIGSEGV},
      {"after the guard",
       [] {
         const bad_memory a = cut_off();
         nosigbus::guard([&] { return deep(a.begin, 1); }).error();
         deep(a.bad(), 1);
       },
       SIGBUS},
      {"after a fault",
       [] {
         const bad_memory a = cut_off();
         CHILD_CHECK(!nosigbus::guard([&] { return deep(a.bad(), 1); }));
         deep(a.bad(), 1);
       },
       SIGBUS},
      {"after an exception",
       [] {
         const bad_memory a = cut_off();
         try {
           nosigbus::guard([&] { throw 1; }).error();
         } catch (int) {
         }
         deep(a.bad(), 1);
       },
       SIGBUS},
      {"another thread",
       [] {
         const bad_memory a = cut_off();
         nosigbus::guard([&] { std::thread([&] { deep(a.bad(), 1); }).join(); }).error();
       },
       SIGBUS},
  };
  for (const auto& death : deaths) {
    CAPTURE(std::string(death.name));
    in_each_entry(killed_by(death.signo), [&] { death.die(); });
  }
}

TEST_CASE("a sent signal kills, below a guard too") {
  CHECK(in_child([] {
          enter_by(entry::installed);
          nosigbus::guard([] { return raise(SIGBUS); }).error();
          return 0;
        }) == killed_by(SIGBUS));
}
