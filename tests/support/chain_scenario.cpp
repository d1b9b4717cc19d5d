// SPDX-License-Identifier: MIT
#include "chain_scenario.h"

#include <errno.h>
#include <nosigbus/runtime.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <time.h>

#include <cstring>

#include "shared_file.h"

namespace test {

namespace {

// Of the scenario that this process lives through.
scenario g_scenario;
observations* g_seen = nullptr;
sigjmp_buf g_way_out;
timer_t g_timer;
alignas(64) unsigned char g_alternate[64 << 10];

// The page that the events access. Made before any fork: it has the same address in both processes.
struct target {
  shared_file file{page_size()};
  volatile unsigned char* page = file.map(2 * page_size(), PROT_READ | PROT_WRITE) + page_size();
  void* address() const { return const_cast<unsigned char*>(page); }
};
const target& the_target() {
  static const target it;
  return it;
}

uint64_t bits(const sigset_t& set) {
  uint64_t value;
  memcpy(&value, &set, sizeof value);
  return value;
}

uint64_t current_mask() {
  sigset_t set;
  sigemptyset(&set);
  pthread_sigmask(SIG_SETMASK, nullptr, &set);
  return bits(set);
}

void repair() {
  mmap(the_target().address(), page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
       -1, 0);
}

void spoil(event what) {
  void* const page = the_target().address();
  switch (what) {
    case event::missing_read:
    case event::missing_write:
      mmap(page, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, the_target().file.fd(),
           static_cast<off_t>(page_size()));
      return;
    case event::unmapped:
      munmap(page, page_size());
      return;
    case event::forbidden:
      mprotect(page, page_size(), PROT_NONE);
      return;
    case event::read_only:
      mprotect(page, page_size(), PROT_READ);
      return;
    default:
      return;
  }
}

void let_timer_expire() {
  const itimerspec at_once{{0, 0}, {0, 1}};
  timer_settime(g_timer, 0, &at_once, nullptr);
  itimerspec left;
  do {
    timer_gettime(g_timer, &left);
  } while (left.it_value.tv_sec != 0 || left.it_value.tv_nsec != 0);
}

// Not inlined: the faulting instruction is the same one whoever calls.
__attribute__((noinline)) void fire(event what) {
  const int signo = g_scenario.signo;
  switch (what) {
    case event::missing_write:
    case event::read_only:
      *the_target().page = 1;
      return;
    case event::by_kill:
      kill(getpid(), signo);
      return;
    case event::by_raise:
      raise(signo);
      return;
    case event::by_sigqueue:
      sigqueue(getpid(), signo, sigval{.sival_ptr = the_target().address()});
      return;
    case event::by_pthread_kill:
      pthread_kill(pthread_self(), signo);
      return;
    case event::by_timer:
      let_timer_expire();
      return;
    default:
      static_cast<void>(*the_target().page);
  }
}

// The first member; the C library calls it uc_flags or __uc_flags.
uint64_t flags_of(const ucontext_t& context) {
  unsigned long flags;
  memcpy(&flags, &context, sizeof flags);
  return flags;
}

observed_call* note_call(int signo, int error_number) {
  static observed_call too_many;
  const uint64_t index = g_seen->calls++;
  observed_call* const call = index < observations::max_calls ? &g_seen->call[index] : &too_many;
  stack_t stack{};
  sigaltstack(nullptr, &stack);
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  call->signo = signo;
  call->error_number = error_number;
  call->stack_flags = stack.ss_flags;
  call->on_alternate = here - reinterpret_cast<uintptr_t>(g_alternate) < sizeof g_alternate;
  call->mask = current_mask();
  return call;
}

void react(ucontext_t* context) {
  const bool first = g_seen->calls == 1;
  if (first && g_scenario.how == reaction::leave) siglongjmp(g_way_out, 1);
  if (first && g_scenario.how == reaction::again) fire(g_scenario.what);
  if (g_scenario.how == reaction::edit_mask && context != nullptr) sigaddset(&context->uc_sigmask, SIGHUP);
  repair();
  errno = 77;
}

void plain_handler(int signo) {
  note_call(signo, errno);
  react(nullptr);
}

void siginfo_handler(int signo, siginfo_t* info, void* ucontext) {
  const int error_number = errno;
  auto* const context = static_cast<ucontext_t*>(ucontext);
  observed_call* const call = note_call(signo, error_number);
  call->code = info->si_code;
  if (info->si_code > 0) {
    call->address_or_value = reinterpret_cast<uintptr_t>(info->si_addr);
  } else if (info->si_code == SI_TIMER) {
    call->address_or_value =
        reinterpret_cast<uintptr_t>(info->si_value.sival_ptr) + static_cast<uintptr_t>(info->si_overrun);
  } else {
    call->address_or_value =
        info->si_code == SI_QUEUE ? reinterpret_cast<uintptr_t>(info->si_value.sival_ptr) : 0;
    call->from_self = info->si_pid == getpid() && info->si_uid == getuid();
  }
  call->saved_mask = bits(context->uc_sigmask);
  call->saved_stack_flags = static_cast<uint64_t>(context->uc_stack.ss_flags);
  call->context_flags = flags_of(*context);
  react(context);
}

void set_mask_of(struct sigaction& action, mask_kind mask) {
  sigemptyset(&action.sa_mask);
  if (mask == mask_kind::usr1) sigaddset(&action.sa_mask, SIGUSR1);
  if (mask == mask_kind::full) sigfillset(&action.sa_mask);
}

void set_previous_action() {
  struct sigaction action {};
  action.sa_flags = g_scenario.flags;
  set_mask_of(action, g_scenario.mask);
  switch (g_scenario.handler) {
    case handler_kind::by_default:
      action.sa_handler = SIG_DFL;
      break;
    case handler_kind::ignored:
      action.sa_handler = SIG_IGN;
      break;
    case handler_kind::plain:
      action.sa_handler = plain_handler;
      break;
    case handler_kind::siginfo:
      action.sa_sigaction = siginfo_handler;
      action.sa_flags |= SA_SIGINFO;
      break;
  }
  CHILD_CHECK(sigaction(g_scenario.signo, &action, nullptr) == 0);
}

void live_through_round(int round) {
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, g_scenario.signo);
  spoil(g_scenario.what);
  if (g_scenario.blocked) sigprocmask(SIG_BLOCK, &only, nullptr);
  errno = 55 + round;
  const bool left = sigsetjmp(g_way_out, 1) != 0;
  if (!left) fire(g_scenario.what);
  auto& after = g_seen->after[round];
  after.error_number = errno;
  after.left = left;
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  after.pending = bits(pending);
  if (g_scenario.blocked) sigprocmask(SIG_UNBLOCK, &only, nullptr);
  after.mask = current_mask();
  repair();
  ++g_seen->rounds;
}

void live_through_both(int) {
  live_through_round(0);
  live_through_round(1);
}

void set_alternate_stack() {
  stack_t stack{};
  stack.ss_sp = g_alternate;
  stack.ss_size = sizeof g_alternate;
  stack.ss_flags = g_scenario.stack == alternate::absent ? SS_DISABLE : 0;
  CHILD_CHECK(sigaltstack(&stack, nullptr) == 0);
}

}  // namespace

void live_through(const scenario& s, front who, observations* seen) {
  g_scenario = s;
  g_seen = seen;
  signal(SIGBUS, SIG_DFL);
  signal(SIGSEGV, SIG_DFL);
  set_alternate_stack();
  sigevent on_expiry{};
  on_expiry.sigev_notify = SIGEV_SIGNAL;
  on_expiry.sigev_signo = s.signo;
  on_expiry.sigev_value.sival_ptr = &g_timer;
  if (s.what == event::by_timer) CHILD_CHECK(timer_create(CLOCK_MONOTONIC, &on_expiry, &g_timer) == 0);
  set_previous_action();
  if (who == front::nosigbus) {
    CHILD_CHECK(nosigbus_install(s.signo == SIGSEGV ? NOSIGBUS_CATCH_SEGV : 0) == 0);
  }
  if (s.stack != alternate::in_use) return live_through_both(0);
  struct sigaction elsewhere {};
  elsewhere.sa_handler = live_through_both;
  elsewhere.sa_flags = SA_ONSTACK;
  sigaction(SIGUSR2, &elsewhere, nullptr);
  raise(SIGUSR2);
}

result run(const scenario& s, front who) {
  static auto* const seen = static_cast<observations*>(
      mmap(nullptr, sizeof(observations), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  the_target();
  memset(seen, 0, sizeof *seen);
  result r;
  r.end = in_child([&] {
    live_through(s, who, seen);
    return 0;
  });
  r.seen = *seen;
  return r;
}

}  // namespace test
