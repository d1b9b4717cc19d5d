/* SPDX-License-Identifier: MIT
 *
 * A program that is started below the drop-in: says on standard output what it finds, and whether a missing
 * page kills its children; exit status 7. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "start_subject.h"

static volatile sig_atomic_t handled;
static void handle(int signo) { handled = signo; }
static void* run(void* argument) { return argument; }

static void say_what_is_open(void) {
  printf("open:");
  for (int fd = 0; fd < 64; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) printf(" %d", fd);
  }
  printf("\n");
}

static void say_what_signals_do(void) {
  sigset_t mask;
  sigprocmask(SIG_SETMASK, NULL, &mask);
  printf("blocked:");
  for (int signo = 1; signo < 32; ++signo) {
    if (sigismember(&mask, signo) == 1) printf(" %d", signo);
  }
  printf("\nactions:");
  for (int signo = 1; signo < 32; ++signo) {
    struct sigaction action;
    if (sigaction(signo, NULL, &action) == 0 && action.sa_handler != SIG_DFL) printf(" %d", signo);
  }
  const struct sigaction mine = {.sa_handler = handle};
  sigaction(SIGUSR1, &mine, NULL);
  raise(SIGUSR1);
  sigaction(SIGBUS, &mine, NULL);
  raise(SIGBUS);
  printf("\nhandled: %d\n", handled == SIGBUS);
  const struct sigaction none = {.sa_handler = SIG_DFL};
  sigaction(SIGBUS, &none, NULL);
}

static void say_how_children_end(void) {
  int status = 0;
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) _exit(3);
  printf("child: %d", waitpid(child, &status, 0) == child ? WEXITSTATUS(status) : -1);
  pthread_t thread;
  const int error = pthread_create(&thread, NULL, run, NULL);
  printf("\nthread: %d\n", error == 0 ? pthread_join(thread, NULL) : error);
}

static int survives_a_missing_page(void) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    const int fd = memfd_create("cut off", MFD_CLOEXEC);
    const size_t length = 2 * (size_t)sysconf(_SC_PAGESIZE);
    if (ftruncate(fd, (off_t)length) != 0) _exit(98);
    const volatile char* const data = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, 0);
    if (ftruncate(fd, 0) != 0) _exit(98);
    _exit(data[length / 2] == 0 ? 0 : 97);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) return 0;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 1 : -1;
}

int main(void) {
  fcntl(START_SUBJECT_HAS_BEGUN, F_GETFD);
  alarm(20);
  say_what_is_open();
  say_what_signals_do();
  say_how_children_end();
  printf("survives: %d\n", survives_a_missing_page());
  return fflush(stdout) == 0 ? START_SUBJECT_STATUS : 1;
}
