// SPDX-License-Identifier: MIT
//
// Runs programs of calls that the drop-in stands in front of, each in a process of its own. With the drop-in
// in front of it, or not.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "preload/exchange.h"
#include "preload/mappings.h"
#include "support/check.h"
#include "support/input.h"

namespace fuzz {

namespace {

exchange* g_exchange;

}  // namespace

void tell(uint64_t what) {
  if (g_exchange->entries < exchange::most_entries) g_exchange->log[g_exchange->entries++] = what;
}
void tell_result(long result) {
  tell(static_cast<uint64_t>(result));
  if (result == -1) tell(static_cast<uint64_t>(errno));
}

namespace {

constexpr uint64_t bit_of(int signo) { return uint64_t{1} << (signo - 1); }

uint64_t kernel_set(const sigset_t& set) {
  uint64_t mask;
  memcpy(&mask, &set, sizeof mask);
  return mask;
}

// A handler whose mask has SIGBUS is told that it does not block it (docs/drop-in.md).
void on_signal(int signo, siginfo_t* info, void*) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, nullptr, &mask);
  tell(static_cast<uint64_t>(signo));
  tell(static_cast<uint64_t>(info->si_code));
  tell(kernel_set(mask) & ~bit_of(SIGBUS));
}
void on_simple_signal(int signo) { tell(1000 + static_cast<uint64_t>(signo)); }

class program {
 public:
  program(input& from, bool plain) : from_(from), memory_(from, plain) {}

  void run() {
    while (!from_.empty()) {
      switch (from_.below(8)) {
        case 0:
          set_action();
          break;
        case 1:
          set_mask();
          break;
        case 2:
          send();
          break;
        case 3:
        case 4:
          memory_.read_some(may_fault());
          break;
        default:
          memory_.step();
      }
    }
    memory_.read_all(may_fault());
  }

 private:
  static constexpr int signals[] = {SIGBUS, SIGUSR1, SIGUSR2, SIGCHLD, SIGSEGV, 34 + 1};

  // A handler of the program's would be called by a fault, and by no question.
  bool may_fault() const { return !has_handler_; }

  void set_action() {
    const int signo = from_.pick(signals);
    const size_t what = from_.below(6);
    if (what == 5) {
      const auto before = signal(signo, on_simple_signal);
      if (signo == SIGBUS) has_handler_ = true;
      return tell(before == SIG_ERR ? 1 : before == on_simple_signal ? 2 : before == SIG_IGN ? 3 : 4);
    }
    struct sigaction action {
    }, before{};
    constexpr int flags[] = {0, SA_RESTART, SA_NODEFER, static_cast<int>(SA_RESETHAND), SA_ONSTACK};
    action.sa_flags = from_.pick(flags) | (what < 2 ? SA_SIGINFO : 0);
    const uint64_t mask = from_.number(2);
    memcpy(&action.sa_mask, &mask, sizeof mask);
    if (what < 2) action.sa_sigaction = on_signal;
    if (what == 2) action.sa_handler = on_simple_signal;
    if (what == 3) action.sa_handler = SIG_IGN;
    const bool asks = from_.below(4) == 0;
    tell_result(sigaction(signo, asks ? nullptr : &action, &before));
    if (!asks && signo == SIGBUS) has_handler_ = what != 4;
    tell(reinterpret_cast<uintptr_t>(before.sa_handler) % 4096);
    // The kernel remembers the rest of an action that SA_RESETHAND has made the default one; the drop-in does
    // not.
    if (before.sa_handler == SIG_DFL) return;
    // The restorer's flag is the C library's.
    tell(static_cast<uint64_t>(before.sa_flags & ~0x0400'0000));
    tell(kernel_set(before.sa_mask));
  }

  void set_mask() {
    constexpr int hows[] = {SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK, 17};
    sigset_t set, before;
    sigemptyset(&set);
    for (size_t count = from_.below(4); count > 0; --count) sigaddset(&set, from_.pick(signals));
    sigemptyset(&before);
    const int how = from_.pick(hows);
    const bool asks = from_.below(4) == 0;
    const bool thread = from_.flag();
    if (thread) {
      tell(static_cast<uint64_t>(pthread_sigmask(how, asks ? nullptr : &set, &before)));
    } else {
      tell_result(sigprocmask(how, asks ? nullptr : &set, &before));
    }
    tell(kernel_set(before));
    sigset_t pending;
    sigpending(&pending);
    tell(kernel_set(pending));
  }

  // Not SIGBUS where it is blocked: what is held back is blocked in the kernel, and a fault then kills.
  void send() {
    const int signo = from_.pick(signals);
    sigset_t mask;
    sigprocmask(SIG_BLOCK, nullptr, &mask);
    if (sigismember(&mask, SIGBUS) == 1 && signo == SIGBUS) return;
    switch (from_.below(3)) {
      case 0:
        return tell_result(raise(signo));
      case 1:
        return tell_result(kill(getpid(), signo));
      default:
        return tell_result(sigqueue(getpid(), signo, {.sival_int = 5}));
    }
  }

  input& from_;
  mappings memory_;
  bool has_handler_ = false;
};

int run(bool plain) {
  const pid_t child = fork();
  FUZZ_CHECK(child >= 0);
  if (child == 0) {
    alarm(20);
    input from(g_exchange->input, g_exchange->size);
    program(from, plain).run();
    _exit(0);
  }
  int status = 0;
  FUZZ_CHECK(waitpid(child, &status, 0) == child);
  return status;
}

}  // namespace

}  // namespace fuzz

int main(int, char** argv) {
  using namespace fuzz;
  void* const memory =
      mmap(nullptr, sizeof(exchange), PROT_READ | PROT_WRITE, MAP_SHARED, exchange_memory, 0);
  FUZZ_CHECK(memory != MAP_FAILED);
  g_exchange = static_cast<exchange*>(memory);
  const bool plain = argv[1] != nullptr && strcmp(argv[1], without_drop_in) == 0;
  // Until the harness is gone.
  for (char turn; read(exchange_socket, &turn, 1) == 1;) {
    g_exchange->entries = 0;
    g_exchange->status = run(plain);
    if (write(exchange_socket, &turn, 1) != 1) return 1;
  }
  return 0;
}
