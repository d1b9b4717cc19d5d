// SPDX-License-Identifier: MIT
#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <chrono>
#include <stdexcept>

namespace weston_test {

namespace {

[[noreturn]] void become(const std::vector<std::string>& command, int input, int output, int log) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpgid(0, 0);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  dup2(input, 0);
  dup2(output, 1);
  dup2(log, 2);
  std::vector<char*> arguments;
  for (const std::string& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

using clock = std::chrono::steady_clock;

int left_until(clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

}  // namespace

process::process(const std::vector<std::string>& command, const std::string& log) {
  int in[2], out[2];
  const int log_file =
      open(log.empty() ? "/dev/null" : log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log_file < 0 || pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || (id_ = fork()) < 0) {
    throw std::runtime_error("cannot start " + command[0]);
  }
  if (id_ == 0) become(command, in[0], log.empty() ? out[1] : log_file, log_file);
  setpgid(id_, id_);
  for (const int end : {in[0], out[1], log_file}) close(end);
  input_ = in[1];
  output_ = out[0];
}

process::~process() {
  kill(-id_, SIGKILL);
  if (!outcome_) waitpid(id_, nullptr, 0);
  close_input();
  close(output_);
}

void process::send(const std::string& line) const {
  // One that is gone answers nothing; that is noticed then.
  [[maybe_unused]] const ssize_t written = write(input_, line.data(), line.size());
}

void process::close_input() {
  if (input_ >= 0) close(input_);
  input_ = -1;
}

std::optional<std::string> process::line(int milliseconds) {
  const auto deadline = clock::now() + std::chrono::milliseconds(milliseconds);
  size_t end;
  while ((end = unread_.find('\n')) == std::string::npos) {
    pollfd item{output_, POLLIN, 0};
    char bytes[512];
    if (poll(&item, 1, left_until(deadline)) <= 0) return {};
    const ssize_t got = read(output_, bytes, sizeof bytes);
    if (got <= 0) return {};
    unread_.append(bytes, static_cast<size_t>(got));
  }
  std::string result = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return result;
}

std::optional<test::outcome> process::ended(int milliseconds) {
  const auto deadline = clock::now() + std::chrono::milliseconds(milliseconds);
  while (!outcome_) {
    int status = 0;
    if (waitpid(id_, &status, WNOHANG) == id_) {
      outcome_ = WIFSIGNALED(status) ? test::killed_by(WTERMSIG(status)) : test::exited(WEXITSTATUS(status));
    } else if (left_until(deadline) == 0) {
      break;
    } else {
      usleep(2000);
    }
  }
  return outcome_;
}

}  // namespace weston_test
