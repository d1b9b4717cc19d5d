// SPDX-License-Identifier: MIT
#include "child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "failure.h"
#include "signals.h"

namespace nosigbus::run {

namespace {

std::string error_text(int error) { return std::generic_category().message(error); }

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

// As execvp(3): a file that is no program the kernel knows is one for the shell. Returns why not.
int execute(const std::string& file, const std::vector<std::string>& arguments) {
  execv(file.c_str(), pointers(arguments).data());
  if (errno != ENOEXEC) return errno;
  std::vector<std::string> by_shell{"sh", file};
  by_shell.insert(by_shell.end(), arguments.begin() + 1, arguments.end());
  execv("/bin/sh", pointers(by_shell).data());
  return errno;
}

[[noreturn]] void become(const std::string& file, const std::vector<std::string>& arguments,
                         const variables& changes, const sigset_t& mask, int tell) {
  for (const auto& [name, value] : changes) setenv(name.c_str(), value.c_str(), 1);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  const int error = execute(file, arguments);
  while (write(tell, &error, sizeof error) < 0 && errno == EINTR) {
  }
  _exit(cannot_execute);
}

// The error that the child could not go on for; 0 when the pipe closed by its becoming the program.
int read_error(int from) {
  int error = 0;
  ssize_t got = 0;
  while ((got = read(from, &error, sizeof error)) < 0 && errno == EINTR) {
  }
  return got == sizeof error ? error : 0;
}

}  // namespace

pid_t start(const std::string& file, const std::vector<std::string>& arguments, const variables& changes,
            std::atomic<uint32_t>* news) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) throw failure(own_failure, "pipe: " + error_text(errno));
  sigset_t inherited;
  pid_t child = 0;
  {
    const blocked_signals none_before_they_are_forwarded;
    inherited = none_before_they_are_forwarded.before();
    child = fork();
    if (child == 0) become(file, arguments, changes, inherited, pipe_ends[1]);
    if (child < 0) throw failure(own_failure, "fork: " + error_text(errno));
    forward_signals(child, news);
  }
  // Whatever our parent blocked: the program has it blocked, and gets it from us.
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  close(pipe_ends[1]);
  const int error = read_error(pipe_ends[0]);
  close(pipe_ends[0]);
  if (error == 0) return child;
  const blocked_signals none_for_what_is_gone;
  waitpid(child, nullptr, 0);
  stop_forwarding();
  throw failure(error == ENOENT ? not_found : cannot_execute, file + ": " + error_text(error));
}

child_state look_at(pid_t child) {
  const blocked_signals none_to_what_has_been_waited_for;
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WSTOPPED | WNOHANG) != 0 || info.si_pid == 0) {
    return {};
  }
  if (info.si_code == CLD_STOPPED || info.si_code == CLD_TRAPPED)
    return {child_state::stopped, info.si_status};
  stop_forwarding();
  return {info.si_code == CLD_EXITED ? child_state::exited : child_state::killed, info.si_status};
}

}  // namespace nosigbus::run
