// SPDX-License-Identifier: MIT
#include "signals.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

namespace nosigbus::run {

std::atomic<uint32_t> g_wakes{0};

namespace {

// Read by the handler, written while signals are blocked.
std::atomic<pid_t> g_program{0};
std::atomic<std::atomic<uint32_t>*> g_news{nullptr};
std::atomic<bool> g_session_leader{false};
// A whole word: riscv64 exchanges smaller ones by a call into libatomic.
std::atomic<uint32_t> g_report_wanted{0};
// SIGCHLD has its handler. Not read by handlers.
bool g_child_is_heard = false;

// What the terminal sends (SI_KERNEL), it sends to the whole process group, and so to the program already;
// hanging up it tells the session's leader alone.
bool meant_for_program(int signo, const siginfo_t& info) {
  if (signo == SIGCONT) return true;  // before we look whether it is stopped, and stop with it
  if (info.si_code > 0) return signo == SIGHUP && g_session_leader.load(std::memory_order_relaxed);
  return info.si_pid != g_program.load(std::memory_order_relaxed);  // as by kill(0)
}

void pass_on(int signo, const siginfo_t& info) {
  const pid_t program = g_program.load(std::memory_order_relaxed);
  if (program <= 0 || !meant_for_program(signo, info)) return;
  if (info.si_code == SI_QUEUE) {
    sigqueue(program, signo, info.si_value);
  } else {
    kill(program, signo);
  }
}

void on_signal(int signo, siginfo_t* info, void*) {
  const int saved = errno;
  if (signo == SIGUSR2) g_report_wanted.store(1, std::memory_order_relaxed);
  if (signo == SIGUSR2 || signo == SIGCHLD) {
    // Whoever is about to wait for the old value finds a new one.
    g_wakes.fetch_add(1, std::memory_order_relaxed);
    if (auto* const news = g_news.load(std::memory_order_relaxed))
      news->fetch_add(1, std::memory_order_relaxed);
  } else {
    pass_on(signo, *info);
  }
  errno = saved;
}

// Those that tell of this process itself keep their default action.
bool our_own(int signo) {
  switch (signo) {
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGKILL:
    case SIGSEGV:
    case SIGSTOP:
    case SIGSYS:
    case SIGXCPU:
    case SIGXFSZ:
      return true;
    default:
      return false;
  }
}

// SIGPIPE: the report's reader may be gone. SIGTTOU: the report may be written from the background.
bool ignored(int signo) { return signo == SIGPIPE || signo == SIGTTIN || signo == SIGTTOU; }

void set_action(int signo, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigaction(signo, &action, nullptr);
}

bool set_handler(int signo) {
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigfillset(&action.sa_mask);
  return sigaction(signo, &action, nullptr) == 0;  // the two that are the C library's are refused
}

void let_through(int signo) {
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signo);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
}

}  // namespace

blocked_signals::blocked_signals() {
  sigset_t all;
  sigfillset(&all);
  error_ = sigprocmask(SIG_SETMASK, &all, &before_) == 0 ? 0 : errno;
}

blocked_signals::~blocked_signals() {
  if (error_ == 0) sigprocmask(SIG_SETMASK, &before_, nullptr);
}

void forward_signals(pid_t program, std::atomic<uint32_t>* news) {
  g_program.store(program, std::memory_order_relaxed);
  g_news.store(news, std::memory_order_relaxed);
  g_session_leader.store(getsid(0) == getpid(), std::memory_order_relaxed);
  for (int signo = 1; signo <= SIGRTMAX; ++signo) {
    if (ignored(signo)) {
      set_action(signo, SIG_IGN);
    } else if (!our_own(signo)) {
      const bool done = set_handler(signo);
      if (signo == SIGCHLD) g_child_is_heard = done;
    }
  }
}

bool open_signals() {
  sigset_t none;
  sigemptyset(&none);
  return sigprocmask(SIG_SETMASK, &none, nullptr) == 0 && g_child_is_heard;
}

void stop_forwarding() {
  g_program.store(0, std::memory_order_relaxed);
  for (int signo = 1; signo <= SIGRTMAX; ++signo) {
    // Ctrl-C that ended the program is not to take the report with it.
    if (signo == SIGINT || signo == SIGQUIT) {
      set_action(signo, SIG_IGN);
    } else if (!our_own(signo) && !ignored(signo) && signo != SIGUSR2) {
      set_action(signo, SIG_DFL);
    }
  }
}

bool take_report_request() { return g_report_wanted.exchange(0, std::memory_order_relaxed) != 0; }

void stop_by(int signo) {
  if (signo == SIGSTOP) {
    raise(SIGSTOP);
    return;
  }
  set_action(signo, SIG_DFL);
  let_through(signo);
  raise(signo);
  if (ignored(signo)) {
    set_action(signo, SIG_IGN);
  } else {
    set_handler(signo);
  }
}

void die_by(int signo) {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  prctl(PR_SET_DUMPABLE, 0);  // a core_pattern that is a pipe does not ask for the limit
  set_action(signo, SIG_DFL);
  let_through(signo);
  raise(signo);
  _exit(128 + signo);  // process 1 of a container has no default actions
}

}  // namespace nosigbus::run
