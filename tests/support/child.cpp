// SPDX-License-Identifier: MIT
#include "child.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include <cstdlib>

namespace test {

namespace {

// Times are those of a machine that runs natively: NOSIGBUS_TEST_PATIENCE, by default 1, is how many times as
// long it may take.
int patience() {
  static const char* const text = getenv("NOSIGBUS_TEST_PATIENCE");
  static const int factor = text != nullptr ? atoi(text) : 1;
  return factor;
}

}  // namespace

outcome wait_for(pid_t child, int seconds) {
  outcome result;
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  if (pidfd >= 0) {
    pollfd item{pidfd, POLLIN, 0};
    result.timed_out = poll(&item, 1, patience() * seconds * 1000) == 0;
    close(pidfd);
  }
  if (result.timed_out) kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  if (result.timed_out) return result;
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signo = WTERMSIG(status);
  return result;
}

}  // namespace test
