// SPDX-License-Identifier: MIT
//
// Processes of which the C library or we do not hear, and their children of vfork, which are the first to ask
// who they are.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "scenario.h"

using namespace preload_test;

namespace {

int status_of(pid_t child) {
  int status = -1;
  EXPECT(waitpid(child, &status, 0) == child);
  return status;
}

void vfork_and_fault() {
  const pid_t child = vfork();
  if (child == 0) {
    signal(SIGBUS, SIG_IGN);
    _exit(0);
  }
  EXPECT(status_of(child) == 0);
  // The child's action is not the parent's.
  EXPECT(signal(SIGBUS, SIG_DFL) == SIG_DFL);
  fault_and_unmap();
}

pid_t raw_fork() { return static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }

}  // namespace

SCENARIO(vfork_after_a_raw_fork) {
  const pid_t child = raw_fork();
  if (child == 0) {
    vfork_and_fault();
    _exit(0);
  }
  EXPECT(status_of(child) == 0);
}

SCENARIO(vfork_after_an_unannounced_fork) {
  const pid_t child = _Fork();
  if (child == 0) {
    vfork_and_fault();
    _exit(0);
  }
  EXPECT(status_of(child) == 0);
}

SCENARIO(vfork_after_two_raw_forks) {
  const pid_t child = raw_fork();
  if (child == 0) {
    const pid_t grandchild = raw_fork();
    if (grandchild == 0) {
      vfork_and_fault();
      _exit(0);
    }
    _exit(status_of(grandchild) == 0 ? 0 : 1);
  }
  EXPECT(status_of(child) == 0);
}

// Its parent is gone, and it is somebody else's child.
SCENARIO(a_raw_fork_that_is_orphaned) {
  int ends[2];
  EXPECT(pipe(ends) == 0);
  const pid_t child = raw_fork();
  if (child == 0) {
    const pid_t parent = getpid();
    if (raw_fork() != 0) _exit(0);
    while (getppid() == parent) usleep(1000);
    vfork_and_fault();
    EXPECT(write(ends[1], "x", 1) == 1);
    _exit(0);
  }
  EXPECT(status_of(child) == 0);
  EXPECT(close(ends[1]) == 0);
  char byte = 0;
  EXPECT(read(ends[0], &byte, 1) == 1);
}
