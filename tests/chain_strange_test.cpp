// SPDX-License-Identifier: MIT
//
// What nobody does who knows better, on top of ours and below it: it ends as it would without us, and never
// in a loop.
#include <doctest/doctest.h>
#include <nosigbus/runtime.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "support/chain_fixture.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"

namespace {

using namespace test;

const shared_count* g_calls = nullptr;
struct sigaction g_below;

// Keeps something of its own where we leave our mark.
void with_a_link(int signo, siginfo_t* info, void* ucontext) {
  static ucontext_t own;
  ++*g_calls;
  static_cast<ucontext_t*>(ucontext)->uc_link = &own;
  g_below.sa_sigaction(signo, info, ucontext);
}

void pass_on(int signo, siginfo_t* info, void* ucontext) {
  ++*g_calls;
  g_below.sa_sigaction(signo, info, ucontext);
}

// Asks whoever is in front.
void back_to_the_front(int signo, siginfo_t* info, void* ucontext) {
  struct sigaction now {};
  ++*g_calls;
  sigaction(SIGBUS, nullptr, &now);
  now.sa_sigaction(signo, info, ucontext);
}

}  // namespace

TEST_CASE("A handler on top that has a link of its own: ours are absorbed and foreign ones kill") {
  for (const bool foreign : {false, true}) {
    CAPTURE(foreign);
    const shared_count calls;
    g_calls = &calls;
    CHECK(fault_below(foreign, [] { install_handler(SIGBUS, with_a_link, 0, &g_below); }) ==
          (foreign ? killed_by(SIGBUS) : exited(0)));
    CHECK(calls.get() == 1);
  }
}

TEST_CASE("A previous handler that hands the signal back to the front is called once" NO_TSAN(
    "sigaction answers with its own")) {
  const shared_count calls;
  g_calls = &calls;
  CHECK(in_child([] {
          const missing_page f;
          install_handler(SIGBUS, back_to_the_front, SA_NODEFER);
          CHILD_CHECK(nosigbus_install(0) == 0);
          CHILD_CHECK(*f.guarded == 0);
          f.read_foreign();
          return 0;
        }) == killed_by(SIGBUS));
  CHECK(calls.get() == 1);
}

TEST_CASE("Displaced again after rearm: ours are absorbed and foreign ones kill" NO_TSAN(
    "sigaction answers with its own")) {
  for (const bool foreign : {false, true}) {
    CAPTURE(foreign);
    const shared_count calls;
    g_calls = &calls;
    CHECK(fault_below(foreign, [] {
            install_handler(SIGBUS, pass_on, 0, &g_below);
            CHILD_CHECK(nosigbus_rearm() == 0);
            install_handler(SIGBUS, with_a_link, 0, &g_below);
          }) == (foreign ? killed_by(SIGBUS) : exited(0)));
  }
}

// A memory error that nobody has consumed yet is advice, which a program may ignore.
TEST_CASE("Advice about memory errors is ignored where SIGBUS is and kills where it is not" NO_QEMU(
    "no such siginfo")) {
  for (const bool ignored : {false, true}) {
    CAPTURE(ignored);
    CHECK(in_child([=] {
            const missing_page f;
            signal(SIGBUS, ignored ? SIG_IGN : SIG_DFL);
            CHILD_CHECK(nosigbus_install(0) == 0);
            siginfo_t advice{};
            advice.si_signo = SIGBUS;
            advice.si_code = BUS_MCEERR_AO;
            advice.si_addr = const_cast<unsigned char*>(f.guarded);
            CHILD_CHECK(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGBUS, &advice) == 0);
            CHILD_CHECK(*f.guarded == 0);
            return 0;
          }) == (ignored ? exited(0) : killed_by(SIGBUS)));
  }
}

// Who saves an action and puts it in place for all signals.
TEST_CASE("Our action for another signal is its default action" NO_TSAN("sigaction answers with its own")) {
  for (const int signo : {SIGUSR1, SIGILL, SIGSEGV}) {
    CAPTURE(signo);
    CHECK(in_child([signo] {
            const missing_page f;
            signal(SIGBUS, SIG_DFL);
            signal(SIGSEGV, SIG_DFL);
            CHILD_CHECK(nosigbus_install(0) == 0);
            struct sigaction ours {};
            CHILD_CHECK(sigaction(SIGBUS, nullptr, &ours) == 0);
            CHILD_CHECK(sigaction(signo, &ours, nullptr) == 0);
            CHILD_CHECK(*f.guarded == 0);
            raise(signo);
            return 0;
          }) == killed_by(signo));
  }
}
