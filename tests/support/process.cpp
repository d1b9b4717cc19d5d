// SPDX-License-Identifier: MIT
#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <chrono>
#include <stdexcept>
#include <utility>

namespace test {

namespace {

[[noreturn]] void become(const std::vector<std::string>& command, int input, int output, int errors) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpgid(0, 0);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  dup2(input, 0);
  dup2(output, 1);
  dup2(errors, 2);
  std::vector<char*> arguments;
  for (const std::string& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

int open_to_append(const std::string& file) {
  return open(file.empty() ? "/dev/null" : file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

using clock = std::chrono::steady_clock;

int left_until(clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

}  // namespace

process::process(const std::vector<std::string>& command, const destinations& where) {
  int in[2], out[2];
  const int output = open_to_append(where.output), errors = open_to_append(where.errors);
  if (output < 0 || errors < 0 || pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
      (id_ = fork()) < 0) {
    throw std::runtime_error("cannot start " + command[0]);
  }
  if (id_ == 0) become(command, in[0], where.output.empty() ? out[1] : output, errors);
  setpgid(id_, id_);
  for (const int end : {in[0], out[1], output, errors}) close(end);
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

bool process::read_more(int milliseconds) {
  pollfd item{output_, POLLIN, 0};
  char bytes[4096];
  if (poll(&item, 1, milliseconds) <= 0) return false;
  const ssize_t got = read(output_, bytes, sizeof bytes);
  if (got > 0) unread_.append(bytes, static_cast<size_t>(got));
  return got > 0;
}

std::optional<std::string> process::line(int milliseconds) {
  const auto deadline = clock::now() + std::chrono::milliseconds(milliseconds);
  size_t end;
  while ((end = unread_.find('\n')) == std::string::npos) {
    if (!read_more(left_until(deadline))) return {};
  }
  std::string result = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return result;
}

std::string process::rest(int milliseconds) {
  const auto deadline = clock::now() + std::chrono::milliseconds(milliseconds);
  while (read_more(left_until(deadline))) {
  }
  return std::exchange(unread_, {});
}

std::optional<outcome> process::ended(int milliseconds) {
  const auto deadline = clock::now() + std::chrono::milliseconds(milliseconds);
  while (!outcome_) {
    int status = 0;
    if (waitpid(id_, &status, WNOHANG) == id_) {
      outcome_ = WIFSIGNALED(status) ? killed_by(WTERMSIG(status)) : exited(WEXITSTATUS(status));
    } else if (left_until(deadline) == 0) {
      break;
    } else {
      usleep(2000);
    }
  }
  return outcome_;
}

}  // namespace test
