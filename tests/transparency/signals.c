// SPDX-License-Identifier: MIT
//
// signals CASE: a SIGBUS that somebody sends, and what a program makes of it. Tells what it sees, so that it
// can be compared with what it sees under the drop-in.
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char* text) {
  if (write(1, text, strlen(text)) < 0) _exit(9);
}

static void on_signal(int signo) {
  (void)signo;
  say("handler\n");
}

static void say_whether(const char* what, int holds) {
  say(what);
  say(holds ? ": yes\n" : ": no\n");
}

static sigset_t sigbus(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGBUS);
  return set;
}

static void change(int how) {
  const sigset_t set = sigbus();
  pthread_sigmask(how, &set, NULL);
}

static void say_state(void) {
  sigset_t set;
  pthread_sigmask(SIG_BLOCK, NULL, &set);
  say_whether("blocked", sigismember(&set, SIGBUS));
  sigpending(&set);
  say_whether("pending", sigismember(&set, SIGBUS));
}

static void unblocked(void) {
  signal(SIGBUS, on_signal);
  for (int round = 0; round < 2; ++round) {
    change(SIG_BLOCK);
    kill(getpid(), SIGBUS);
    say_state();
    say("unblock\n");
    change(SIG_UNBLOCK);
    say_state();
  }
}

static void unblocked_by_new_mask(void) {
  signal(SIGBUS, on_signal);
  change(SIG_BLOCK);
  raise(SIGBUS);
  sigset_t none;
  sigemptyset(&none);
  say("unblock\n");
  sigprocmask(SIG_SETMASK, &none, NULL);
  say_state();
}

static void dies_when_unblocked(void) {
  change(SIG_BLOCK);
  raise(SIGBUS);
  say_state();
  change(SIG_UNBLOCK);
  say("alive\n");
}

static void waited_for(void) {
  const sigset_t set = sigbus();
  change(SIG_BLOCK);
  for (int round = 0; round < 2; ++round) {
    kill(getpid(), SIGBUS);
    int got = 0;
    sigwait(&set, &got);
    say_whether("got it", got == SIGBUS);
    say_state();
  }
}

static void* wait_for_it(void* unused) {
  const sigset_t set = sigbus();
  int got = 0;
  sigwait(&set, &got);
  say_whether("thread got it", got == SIGBUS);
  return unused;
}

static void waited_for_by_thread(void) {
  change(SIG_BLOCK);
  pthread_t thread;
  pthread_create(&thread, NULL, wait_for_it, NULL);
  usleep(100000);
  kill(getpid(), SIGBUS);
  pthread_join(thread, NULL);
  say_state();
}

static void suspended(void) {
  signal(SIGBUS, on_signal);
  change(SIG_BLOCK);
  kill(getpid(), SIGBUS);
  sigset_t none;
  sigemptyset(&none);
  sigsuspend(&none);
  say_state();
  kill(getpid(), SIGBUS);
  const int result = ppoll(NULL, 0, NULL, &none);
  say_whether("interrupted", result < 0);
  say_state();
}

static void* tell_mask(void* unused) {
  say_state();
  return unused;
}

static void inherited_by_thread(void) {
  change(SIG_BLOCK);
  pthread_t thread;
  pthread_create(&thread, NULL, tell_mask, NULL);
  pthread_join(thread, NULL);
}

static sigjmp_buf out;
static void jump(int signo) { siglongjmp(out, signo); }

static void left_by_jump(void) {
  signal(SIGBUS, jump);
  if (sigsetjmp(out, 1) == 0) {
    change(SIG_BLOCK);
    raise(SIGBUS);
    change(SIG_UNBLOCK);
    say("not reached\n");
  }
  say_state();
}

static void ignored_by_child(void) {
  signal(SIGBUS, SIG_IGN);
  say_whether("sh dies", system("kill -BUS $$; echo lives") != 0);
  if (fork() == 0) {
    execl("/bin/sh", "sh", "-c", "kill -BUS $$; echo lives", (char*)NULL);
    _exit(9);
  }
  int status = 0;
  wait(&status);
  say_whether("child dies", status != 0);
}

static const struct {
  const char* name;
  void (*run)(void);
} cases[] = {
    {"unblocked", unblocked},
    {"unblocked_by_new_mask", unblocked_by_new_mask},
    {"dies_when_unblocked", dies_when_unblocked},
    {"waited_for", waited_for},
    {"waited_for_by_thread", waited_for_by_thread},
    {"suspended", suspended},
    {"inherited_by_thread", inherited_by_thread},
    {"left_by_jump", left_by_jump},
    {"ignored_by_child", ignored_by_child},
};

int main(int argc, char** argv) {
  alarm(20);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    if (argc > 1 && strcmp(argv[1], cases[i].name) == 0) {
      cases[i].run();
      return 0;
    }
    if (argc == 1) puts(cases[i].name);
  }
  return argc == 1 ? 0 : 2;
}
