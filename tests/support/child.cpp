// SPDX-License-Identifier: MIT
#include "child.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

namespace test {

outcome wait_for(pid_t child, int seconds) {
  outcome result;
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  if (pidfd >= 0) {
    pollfd item{pidfd, POLLIN, 0};
    result.timed_out = poll(&item, 1, seconds * 1000) == 0;
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
