/* SPDX-License-Identifier: MIT */
#include "handlers.h"

#include <dlfcn.h>
#include <errno.h>
#include <nosigbus/runtime.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The actions before ours, by signal. Written before ours are installed. */
static struct sigaction g_previous[NSIG];

typedef int sigaction_function(int, const struct sigaction*, struct sigaction*);

/* libc's own sigaction: a preloaded library can have put its own in front of it. That of Java, libjsig, keeps
 * handlers behind the VM's, and says that they are the ones. */
static sigaction_function* libc_sigaction(void) {
  void* const libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  void* const found = libc != NULL ? dlsym(libc, "sigaction") : NULL;
  return found != NULL ? (sigaction_function*)found : sigaction;
}

static int calls_function(const struct sigaction* action) {
  return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* As the kernel would have had it. */
static void hand_on(int signo, siginfo_t* info, void* context) {
  const struct sigaction* const previous = &g_previous[signo];
  if (calls_function(previous)) {
    if ((previous->sa_flags & SA_SIGINFO) != 0) {
      previous->sa_sigaction(signo, info, context);
    } else {
      previous->sa_handler(signo);
    }
    return;
  }
  /* Sent by somebody, and ignored. A fault cannot be. */
  if (info->si_code <= 0 && previous->sa_handler == SIG_IGN) return;
  /* A fault repeats when we return, and kills then. A sent signal does not: it is pending until then. */
  signal(signo, SIG_DFL);
  if (info->si_code <= 0) raise(signo);
}

static void on_signal(int signo, siginfo_t* info, void* context) {
  if (nosigbus_handle_signal(signo, info, context) == 1) return;
  hand_on(signo, info, context);
}

static int own(int signo) {
  sigaction_function* const set_action = libc_sigaction();
  struct sigaction ours;
  if (set_action(signo, NULL, &g_previous[signo]) != 0) return -errno;
  /* The runtime's handler runs below ours, so ours has to be called on the stack and with the mask that it
   * relies on. */
  ours = g_previous[signo];
  if (!calls_function(&ours)) {
    memset(&ours, 0, sizeof ours);
    ours.sa_flags = SA_RESTART | SA_ONSTACK;
  }
  ours.sa_flags = (ours.sa_flags & ~SA_RESETHAND) | SA_SIGINFO;
  ours.sa_sigaction = on_signal;
  return set_action(signo, &ours, NULL) == 0 ? 0 : -errno;
}

int handlers_own(void) {
  /* No signal, so nothing is done. But where functions are bound when they are first called (no -z now), that
   * takes 2 KiB of stack, which an alternate one may not have. */
  nosigbus_handle_signal(0, NULL, NULL);
  const int error = own(SIGBUS);
  return error != 0 ? error : own(SIGSEGV);
}

static void report(int signo) {
  static const char line[] = "crash reporter: SIGBUS\n";
  /* There is nobody to tell when it cannot be written. */
  if (write(STDERR_FILENO, line, sizeof line - 1) < 0) {
  }
  /* Pending until we return. */
  signal(signo, SIG_DFL);
  raise(signo);
}

int handlers_report_crashes(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = report;
  /* Without SA_ONSTACK, a goroutine's stack would have to hold it. */
  action.sa_flags = SA_ONSTACK;
  return sigaction(SIGBUS, &action, NULL) == 0 ? 0 : -errno;
}

int handlers_describe(int signo, char* out, size_t size) {
  struct sigaction action;
  if (libc_sigaction()(signo, NULL, &action) != 0) return -errno;
  if (!calls_function(&action)) {
    snprintf(out, size, "%s", action.sa_handler == SIG_IGN ? "ignore" : "default");
    return 0;
  }
  snprintf(out, size, "handler%s%s%s%s", (action.sa_flags & SA_SIGINFO) != 0 ? " siginfo" : "",
           (action.sa_flags & SA_ONSTACK) != 0 ? " onstack" : "",
           (action.sa_flags & SA_RESTART) != 0 ? " restart" : "",
           (action.sa_flags & SA_NODEFER) != 0 ? " nodefer" : "");
  return 0;
}

enum { mark = 0xa5 };

static int alternate_stack(stack_t* stack) {
  if (sigaltstack(NULL, stack) != 0) return -errno;
  if ((stack->ss_flags & SS_ONSTACK) != 0) return -EBUSY;
  return (stack->ss_flags & SS_DISABLE) != 0 ? -ENOENT : 0;
}

int handlers_mark_stack(size_t* size) {
  stack_t stack;
  sigset_t all, before;
  const int error = alternate_stack(&stack);
  if (error != 0) return error;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  memset(stack.ss_sp, mark, stack.ss_size);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  *size = stack.ss_size;
  return 0;
}

long handlers_used_stack(void) {
  stack_t stack;
  const int error = alternate_stack(&stack);
  if (error != 0) return error;
  const unsigned char* const bytes = stack.ss_sp;
  size_t unused = 0;
  while (unused < stack.ss_size && bytes[unused] == mark) ++unused;
  return (long)(stack.ss_size - unused);
}
