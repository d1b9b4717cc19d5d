// SPDX-License-Identifier: MIT
#include "signal/program.h"

#include <nosigbus/runtime.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <initializer_list>

#include "signal/handlers.h"
#include "support/check.h"

namespace fuzz {

namespace {

class program {
 public:
  explicit program(input& from) : from_(from) {}

  // As programs begin: an action of their own, and nosigbus in front of it.
  void begin() {
    if (from_.flag()) set_action();
    if (from_.flag()) install();
  }
  void step() {
    switch (from_.below(12)) {
      case 0:
      case 1:
        return set_action();
      case 2:
        return install();
      case 3:
        return uninstall();
      case 4:
        return set_mask();
      case 5:
      case 6:
        return send();
      case 7:
        return copy_guarded();
      case 8:
        return read_region();
      default:
        return fault();
    }
  }

 private:
  static constexpr int signals[] = {SIGBUS, SIGSEGV};

  void set_action() {
    const int signo = from_.pick(signals);
    struct sigaction action {};
    constexpr int flags[] = {
        0, SA_RESTART, SA_NODEFER, static_cast<int>(SA_RESETHAND), SA_ONSTACK, SA_ONSTACK | SA_NODEFER};
    action.sa_flags = from_.pick(flags);
    const uint64_t mask = from_.number(2) | (from_.below(8) == 0 ? ~uint64_t{0} : 0);
    memcpy(&action.sa_mask, &mask, sizeof mask);
    const size_t how = from_.below(reactions), kind = from_.below(8);
    if (kind == 0) {
      action.sa_handler = SIG_IGN;
    } else if (kind <= 3) {
      action.sa_handler = plain_handler(how);
    } else if (kind <= 6) {
      action.sa_flags |= SA_SIGINFO;
      action.sa_sigaction = info_handler(how);
    }
    FUZZ_TRACE("\naction of %d: %zu %zu, flags %#x, mask %#lx", signo, kind, how,
               static_cast<unsigned>(action.sa_flags), static_cast<unsigned long>(mask));
    FUZZ_CHECK(sigaction(signo, &action, nullptr) == 0);
    if (signo == SIGBUS) g_state.in_front = false;
    displaced_ |= installed_;
  }

  // It comes to stand in front again, whoever is there.
  void install() {
    const unsigned flags = from_.flag() ? NOSIGBUS_CATCH_SEGV : 0;
    FUZZ_TRACE("\ninstall %u", flags);
    if (g_state.whom == by::library) {
      FUZZ_CHECK_EQUAL(nosigbus_install(flags), 0);
      FUZZ_CHECK_EQUAL(nosigbus_rearm(), 0);
    }
    installed_ = g_state.in_front = true;
    displaced_ = false;
  }
  void uninstall() {
    if (!installed_ || displaced_) return;
    FUZZ_TRACE("\nuninstall");
    if (g_state.whom == by::library) FUZZ_CHECK_EQUAL(nosigbus_uninstall(), 0);
    installed_ = g_state.in_front = false;
  }

  void set_mask() {
    constexpr int hows[] = {SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK};
    sigset_t set;
    sigemptyset(&set);
    for (const int each : {SIGBUS, SIGSEGV, SIGUSR1}) {
      if (from_.flag()) sigaddset(&set, each);
    }
    sigprocmask(from_.pick(hows), &set, nullptr);
    FUZZ_TRACE("\nmask");
    tell(current_mask());
    sigset_t pending;
    sigpending(&pending);
    tell(sigismember(&pending, SIGBUS) * 2 + sigismember(&pending, SIGSEGV));
  }

  template <class Event>
  void happen(Event event) {
    g_state.calls = 0;
    g_state.can_leave = true;
    if (sigsetjmp(g_state.out, 1) == 0) {
      event();
      tell(1);
    } else {
      tell(2);
    }
    g_state.can_leave = false;
    tell(current_mask());
  }

  void send() {
    const int signo = from_.pick(signals);
    const size_t how = from_.below(3);
    FUZZ_TRACE("\nsend %d by %zu", signo, how);
    happen([signo, how] {
      if (how == 0) raise(signo);
      if (how == 1) kill(getpid(), signo);
      if (how == 2) sigqueue(getpid(), signo, {.sival_int = 42});
    });
  }
  void fault() {
    make_bad();
    g_state.bad = from_.flag() ? g_state.missing : g_state.forbidden;
    const bool writes = from_.flag();
    FUZZ_TRACE("\nfault %d %d", g_state.bad == g_state.missing, writes);
    happen([writes] {
      volatile unsigned char* const at = g_state.bad + 5;
      if (writes) {
        *at = 1;
      } else {
        tell(*at);
      }
    });
  }

  input& from_;
  bool installed_ = false, displaced_ = false;
};

}  // namespace

void run_signal_program(input& from, by whom, diary& into) {
  g_state.into = &into;
  g_state.whom = whom;
  g_state.page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  // A page that is there, one that is missing, one that is forbidden.
  g_state.file = memfd_create("fuzz", MFD_CLOEXEC);
  FUZZ_CHECK(ftruncate(g_state.file, static_cast<off_t>(g_state.page)) == 0);
  void* const all = mmap(nullptr, 3 * g_state.page, PROT_READ | PROT_WRITE, MAP_SHARED, g_state.file, 0);
  FUZZ_CHECK(all != MAP_FAILED);
  g_state.missing = static_cast<unsigned char*>(all) + g_state.page;
  g_state.forbidden = g_state.missing + g_state.page;
  make_bad();
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  // Not a sanitizer's, nor a fuzzer's.
  for (const int signo : {SIGBUS, SIGSEGV}) signal(signo, SIG_DFL);
  stack_t stack{};
  stack.ss_sp = g_state.alternate;
  stack.ss_size = sizeof g_state.alternate;
  if (!from.flag()) stack.ss_flags = SS_DISABLE;
  FUZZ_CHECK(sigaltstack(&stack, nullptr) == 0);
  program run(from);
  run.begin();
  constexpr int most_steps = 40;
  for (int i = 0; i < most_steps && !from.empty(); ++i) run.step();
}

}  // namespace fuzz
