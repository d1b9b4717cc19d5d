// SPDX-License-Identifier: MIT
#include "entry.h"

#include <signal.h>

#include "child.h"

namespace test {

namespace {

void embedder_handler(int signo, siginfo_t* info, void* ucontext) {
  if (nosigbus_handle_signal(signo, info, ucontext) == 1) return;
  signal(signo, SIG_DFL);  // the instruction repeats, and kills
}

}  // namespace

void enter_by(entry how, unsigned flags) {
  if (how == entry::on_own_stack) {
    struct sigaction action {};
    action.sa_handler = [](int signo) { signal(signo, SIG_DFL); };
    sigaction(SIGBUS, &action, nullptr);
    sigaction(SIGSEGV, &action, nullptr);
  }
  CHILD_CHECK(nosigbus_install(flags) == 0);
  if (how != entry::first_chance) return;
  // On top of ours, which never gets to see anything: only so does the opt-in flag reach first chance.
  struct sigaction action {};
  action.sa_sigaction = embedder_handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGBUS, &action, nullptr);
  sigaction(SIGSEGV, &action, nullptr);
}

}  // namespace test
