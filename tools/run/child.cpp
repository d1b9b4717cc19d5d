// SPDX-License-Identifier: MIT
#include "child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "environment.h"
#include "failure.h"
#include "signals.h"

namespace nosigbus::run {

namespace {

std::string error_text(int error) { return std::generic_category().message(error); }

// In the child. A stop that has come for the program would stop what is not the program yet, and its parent
// would not come back from vfork, nor stop: the shell would wait for both. It is taken away, for the parent
// to send again. 0: none has come.
int put_off_stop(const sigset_t& mask) {
  sigset_t pending;
  if (sigpending(&pending) != 0) return 0;
  int found = 0;
  for (const int signo : {SIGTSTP, SIGTTIN, SIGTTOU}) {
    if (sigismember(&pending, signo) != 1 || sigismember(&mask, signo) == 1) continue;
    struct sigaction ignore {
    }, before{};
    ignore.sa_handler = SIG_IGN;  // drops what is pending
    sigaction(signo, &ignore, &before);
    sigaction(signo, &before, nullptr);
    if (before.sa_handler == SIG_DFL) found = signo;
  }
  return found;
}

// As execvp(3): a file that is no program the kernel knows is one for the shell. Returns why not.
int start_file(pid_t& child, const std::string& file, const std::vector<std::string>& arguments,
               const variables& changes, const sigset_t& mask) {
  const std::vector<std::string> all_variables = environment(changes);
  std::vector<std::string> by_shell{"sh", file};
  by_shell.insert(by_shell.end(), arguments.begin() + 1, arguments.end());
  const std::vector<char*> variable_pointers = pointers(all_variables), words = pointers(arguments),
                           shell_words = pointers(by_shell);
  volatile int error = 0, stop = 0;
  // Where it is ignored, as it may be by our parent, a child that ends before we listen is gone and has told
  // nobody.
  struct sigaction heard {
  }, before{};
  heard.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &heard, &before);
  // No page tables are copied, which posix_spawn does not either; but it has two signals of the C library's
  // own ignored in the program. The child writes to our memory, and makes system calls, and that is all.
  // NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
  child = vfork();
  if (child == 0) {
    if (before.sa_handler == SIG_IGN) sigaction(SIGCHLD, &before, nullptr);
    stop = put_off_stop(mask);
    if (sigprocmask(SIG_SETMASK, &mask, nullptr) == 0)
      execve(file.c_str(), words.data(), variable_pointers.data());
    if (errno == ENOEXEC) execve("/bin/sh", shell_words.data(), variable_pointers.data());
    error = errno;
    _exit(cannot_execute);
  }
  // NOLINTEND(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
  if (child < 0) throw failure(own_failure, "fork: " + error_text(errno));
  if (error != 0) {
    waitpid(child, nullptr, 0);
  } else if (stop != 0) {
    kill(child, stop);
  }
  return error;
}

// waitid(2), or wait4(2) where a filter of system calls knows only that.
child_state changed_state(pid_t child) {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WSTOPPED | WNOHANG) == 0) {
    if (info.si_pid == 0) return {};
    if (info.si_code == CLD_STOPPED || info.si_code == CLD_TRAPPED)
      return {child_state::stopped, info.si_status};
    return {info.si_code == CLD_EXITED ? child_state::exited : child_state::killed, info.si_status};
  }
  int status = 0;
  if (waitpid(child, &status, WNOHANG | WUNTRACED) != child) return {};
  if (WIFSTOPPED(status)) return {child_state::stopped, WSTOPSIG(status)};
  if (WIFEXITED(status)) return {child_state::exited, WEXITSTATUS(status)};
  return {child_state::killed, WTERMSIG(status)};
}

}  // namespace

started start(const std::string& file, const std::vector<std::string>& arguments, const variables& changes,
              std::atomic<uint32_t>* news) {
  pid_t child = 0;
  int error = 0;
  {
    const blocked_signals none_before_they_are_forwarded;
    if (const int why = none_before_they_are_forwarded.error())
      throw failure(own_failure, "signals cannot be blocked: " + error_text(why));
    error = start_file(child, file, arguments, changes, none_before_they_are_forwarded.before());
    if (error == 0) forward_signals(child, news);
  }
  // Whatever our parent blocked: the program has it blocked, and gets it from us.
  const bool heard = open_signals();
  if (error == 0) return {child, heard};
  throw failure(error == ENOENT ? not_found : cannot_execute, file + ": " + error_text(error));
}

child_state look_at(pid_t child) {
  const blocked_signals none_to_what_has_been_waited_for;
  const child_state now = changed_state(child);
  if (now.ended()) stop_forwarding();
  return now;
}

}  // namespace nosigbus::run
