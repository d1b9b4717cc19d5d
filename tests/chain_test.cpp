// SPDX-License-Identifier: MIT
//
// The previous action is called as the kernel would have called it: every kind of action, flags, mask,
// stack and event, once by the kernel alone and once through nosigbus, and nothing tells them apart.
#include <doctest/doctest.h>

#include <iterator>

#include "support/chain_scenario.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"

namespace {

using namespace test;

constexpr event bus_events[] = {event::missing_read, event::missing_write,   event::by_kill, event::by_raise,
                                event::by_sigqueue,  event::by_pthread_kill, event::by_timer};
constexpr event segv_events[] = {event::unmapped, event::forbidden,   event::read_only,
                                 event::by_kill,  event::by_sigqueue, event::by_timer};
constexpr int reset_hand = static_cast<int>(SA_RESETHAND);
constexpr int flag_sets[] = {0,
                             SA_NODEFER,
                             reset_hand,
                             SA_ONSTACK,
                             SA_NODEFER | reset_hand,
                             SA_NODEFER | SA_ONSTACK,
                             reset_hand | SA_ONSTACK,
                             SA_NODEFER | reset_hand | SA_ONSTACK};
constexpr mask_kind masks[] = {mask_kind::empty, mask_kind::usr1, mask_kind::full};
constexpr alternate stacks[] = {alternate::absent, alternate::present, alternate::in_use};

struct tally {
  int scenarios = 0, killed = 0, survived = 0;
};

void check(const scenario& s, tally& sum) {
  const result model = run(s, front::kernel_alone);
  const result subject = run(s, front::nosigbus);
  ++sum.scenarios;
  ++(model.end == exited(0) ? sum.survived : sum.killed);
  // What the model ends in, whatever it is, is an end that scenarios are made for.
  const bool proper = model.end == exited(0) || model.end == killed_by(s.signo);
  if (proper && model == subject) return;
  INFO("with nosigbus: ", subject);
  INFO("the kernel alone: ", model);
  INFO(s);
  CHECK(proper);
  CHECK(model == subject);
}

// Calls check with every stack, event and blocking of this action.
template <size_t N>
void check_events(scenario s, const event (&events)[N], tally& sum) {
  for (const alternate stack : stacks) {
    for (const event what : events) {
      for (const bool blocked : {false, true}) {
        s.stack = stack;
        s.what = what;
        s.blocked = blocked;
        check(s, sum);
      }
    }
  }
}

// All flags and masks.
template <size_t N>
void check_handler(int signo, handler_kind handler, reaction how, const event (&events)[N]) {
  tally sum;
  for (const int flags : flag_sets) {
    for (const mask_kind mask : masks) {
      scenario s;
      s.signo = signo;
      s.handler = handler;
      s.flags = flags;
      s.mask = mask;
      s.how = how;
      check_events(s, events, sum);
    }
  }
  CHECK(sum.scenarios ==
        static_cast<int>(std::size(flag_sets) * std::size(masks) * std::size(stacks) * N * 2));
  CHECK(sum.killed > 0);
  CHECK(sum.survived > 0);
}

}  // namespace

TEST_CASE("SIGBUS under SIG_DFL and SIG_IGN: as the kernel alone" NO_QEMU(
    "a fault while SIGBUS is blocked or ignored repeats for ever")) {
  for (const handler_kind handler : {handler_kind::by_default, handler_kind::ignored}) {
    for (const int flags : flag_sets) {
      tally sum;
      scenario s;
      s.handler = handler;
      s.flags = flags;
      check_events(s, bus_events, sum);
      // Ignored, only the two faults kill, on every stack and blocked or not.
      CHECK(sum.scenarios == 42);
      CHECK(sum.killed == (handler == handler_kind::ignored ? 12 : 42));
    }
  }
}

TEST_CASE("SIGSEGV under SIG_DFL and SIG_IGN: as the kernel alone" NO_QEMU(
    "an ignored signal kills now and then")) {
  for (const handler_kind handler : {handler_kind::by_default, handler_kind::ignored}) {
    tally sum;
    scenario s;
    s.signo = SIGSEGV;
    s.handler = handler;
    check_events(s, segv_events, sum);
    CHECK(sum.scenarios == 36);
    CHECK(sum.killed == (handler == handler_kind::ignored ? 18 : 36));
  }
}

TEST_CASE("SIGBUS handlers without SA_SIGINFO are called as the kernel calls them" NO_QEMU(
    "a fault while SIGBUS is blocked or ignored repeats for ever")) {
  for (const reaction how : {reaction::go_on, reaction::again}) {
    check_handler(SIGBUS, handler_kind::plain, how, bus_events);
  }
}

TEST_CASE("SIGBUS handlers that return are called as the kernel calls them" NO_QEMU(
    "a fault while SIGBUS is blocked or ignored repeats for ever")) {
  check_handler(SIGBUS, handler_kind::siginfo, reaction::go_on, bus_events);
}

TEST_CASE("SIGBUS in the SIGBUS handler: as the kernel alone" NO_QEMU(
    "a fault while SIGBUS is blocked or ignored repeats for ever")) {
  check_handler(SIGBUS, handler_kind::siginfo, reaction::again, bus_events);
}

TEST_CASE("A SIGBUS handler's changes to the ucontext take effect" NO_QEMU(
    "a fault while SIGBUS is blocked or ignored repeats for ever")) {
  check_handler(SIGBUS, handler_kind::siginfo, reaction::edit_mask, bus_events);
}

TEST_CASE("SIGBUS handlers may leave by siglongjmp" NO_QEMU(
    "a fault while SIGBUS is blocked or ignored repeats for ever")
              NO_TSAN("its siglongjmp does not leave an alternate stack")) {
  check_handler(SIGBUS, handler_kind::siginfo, reaction::leave, bus_events);
}

TEST_CASE("SIGSEGV handlers are called as the kernel calls them" NO_QEMU(
    "a fault while SIGBUS is blocked or ignored repeats for ever")) {
  check_handler(SIGSEGV, handler_kind::siginfo, reaction::go_on, segv_events);
  check_handler(SIGSEGV, handler_kind::siginfo, reaction::again, segv_events);
}
