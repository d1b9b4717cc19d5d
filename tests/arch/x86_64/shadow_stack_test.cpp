// SPDX-License-Identifier: MIT
//
// What is left, is left on the shadow stack too: guards from everywhere, and all else that a fault can come
// to. And what leaves without a thought of it is caught.
#include "shadow_stack.h"

#include <doctest/doctest.h>
#include <nosigbus/copy.h>
#include <nosigbus/recovery.h>
#include <nosigbus/runtime.h>
#include <sys/mman.h>

#include <cerrno>
#include <functional>
#include <nosigbus/nosigbus.hpp>
#include <string>

#include "support/guard_forms.h"
#include "support/make_region.h"
#include "support/on_stack.h"
#include "support/readers.h"

using namespace test;

namespace {

const size_t page = page_size();

struct run {
  std::optional<outcome> how;
  size_t discarded = 0;
};

// Of body(argument) in a process with a shadow stack; a signal that is not delivered stands in front of it.
template <class Argument, class Body>
run with_shadow_stack(const Argument& argument, Body body) {
  traced process([&] {
    CHILD_CHECK(nosigbus_install(0) == 0);
    raise(SIGUSR1);
    body(argument);
    return 0;
  });
  while (process.go() == traced::stop::signal && process.signo() != SIGUSR1) {
  }
  process.swallow();
  shadow_stack stack(process);
  const std::optional<outcome> how = stack.run();
  return {how, stack.discarded()};
}

void expect_left(guard_form how, const bad_memory& memory, const std::function<void()>& work) {
  const nosigbus_fault fault = run_guarded(how, work, memory.begin, memory.size());
  CHILD_CHECK(fault.cause == NOSIGBUS_MISSING && memory.holds(fault.address));
}

int raise_it(nosigbus_recovery_point*, void*) { return NOSIGBUS_RAISE; }

// As compilers without an option for shadow stacks build it: its returns are the caller's no more.
void* g_target[5];
__attribute__((noinline)) void leave_as_if_there_were_none(int depth) {
  volatile int below = depth;
  if (depth == 0) __builtin_longjmp(g_target, 1);
  leave_as_if_there_were_none(depth - 1);
  below = below + 1;
}
__attribute__((noinline)) int come_back_without_it(int depth) {
  if (__builtin_setjmp(g_target) != 0) return 1;
  leave_as_if_there_were_none(depth);
  return 0;
}

}  // namespace

TEST_CASE("a shadow stack that is not minded is noticed") {
  for (const int depth : {1, 10}) {
    CHECK(!with_shadow_stack(depth, [](int calls) { CHILD_CHECK(come_back_without_it(calls) == 1); }).how);
  }
  CHECK(with_shadow_stack(0, [](int) {}).how == exited(0));
  CHECK(with_shadow_stack(SIGBUS, [](int signo) { raise(signo); }).how == killed_by(SIGBUS));
}

TEST_CASE("guard x depth: the calls that are left come off the shadow stack") {
  for (const guard_form how : guard_forms) {
    // Around those 255 that one instruction takes off.
    for (const int depth : {0, 1, 253, 254, 255, 256, 509, 510, 511}) {
      CAPTURE(static_cast<int>(how));
      CAPTURE(depth);
      const run result = with_shadow_stack(cut_off(), [&](const bad_memory& memory) {
        expect_left(how, memory, [&] { deep(memory.bad(), depth); });
      });
      CHECK(result.how == exited(0));
      CHECK(result.discarded > static_cast<size_t>(depth));
    }
  }
}

TEST_CASE("guard x code x place x nesting: they are left with a shadow stack") {
  for (const reader& way : libc_readers) {
    for (const guard_form how : guard_forms) {
      CAPTURE(std::string(way.name));
      CAPTURE(static_cast<int>(how));
      CHECK(with_shadow_stack(way.make(false), [&](const bad_memory& memory) {
              const auto work = [&] {
                expect_left(how, memory, [&] { nested(2, [&] { way.read(memory); }); });
              };
              static unsigned char stack[1 << 16];
              with_alternate_stack(stack, sizeof stack, work);
              with_alternate_stack(stack, sizeof stack, [&] { in_handler(work, SA_ONSTACK); });
              on_own_stack_in_handler(work);
              // From a handler on top of what is left.
              expect_left(how, memory, [&] { on_own_stack_in_handler([&] { way.read(memory); }); });
            }).how == exited(0));
    }
  }
}

TEST_CASE("what goes on where it was has the shadow stack as it was") {
  for (const origin from : origins) {
    CAPTURE(static_cast<int>(from));
    shared_file file(4 * page);
    const nosigbus::region view = make_region(from, file, 4 * page);
    file.resize(page);
    CHECK(with_shadow_stack(&view, [](const nosigbus::region* region) {
            for (size_t at = page; at < 4 * page; at += page) CHILD_CHECK(peek(*region, at) == 0);
          }).how == exited(0));
  }
  CHECK(with_shadow_stack(cut_off(), [](const bad_memory& memory) {
          unsigned char to[64];
          CHILD_CHECK(nosigbus_safe_read(to, memory.bad() - 10, sizeof to) == 10);
        }).how == exited(0));
}

TEST_CASE("RAISE is declined and the guard outside takes the fault") {
  CHECK(with_shadow_stack(cut_off(), [](const bad_memory& memory) {
          expect_left(guard_form::called, memory, [&] {
            nosigbus_recovery_point point{};
            point.recover = raise_it;
            point.raise = [](const nosigbus_fault*) { _exit(1); };
            nosigbus_recovery_begin(&point);
            deep(memory.bad(), 0);
          });
        }).how == exited(0));
}
