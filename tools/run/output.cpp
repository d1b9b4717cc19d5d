// SPDX-License-Identifier: MIT
#include "output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <system_error>

#include "failure.h"

namespace nosigbus::run {

namespace {

// The N of fd:N, or of N alone.
std::optional<int> descriptor_of(const std::string& where) {
  constexpr const char* prefix = "fd:";
  const bool prefixed = where.starts_with(prefix);
  const std::string digits = prefixed ? where.substr(3) : where;
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size() && number >= 0;
  if (whole) return number;
  if (prefixed) throw failure(own_failure, "--log=" + where + ": what follows fd: is to be a number");
  return std::nullopt;
}

}  // namespace

output::output(const std::string& where) : fd_(STDERR_FILENO) {
  if (where.empty()) return;
  if (const auto number = descriptor_of(where)) {
    fd_ = *number;
    const int flags = fcntl(fd_, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
      throw failure(own_failure, "--log=" + where + ": descriptor " + std::to_string(fd_) +
                                     " is not open for writing; open it in the shell, as in 3>FILE");
    }
    if (fd_ > STDERR_FILENO) fcntl(fd_, F_SETFD, FD_CLOEXEC);
    return;
  }
  fd_ = open(where.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
  if (fd_ < 0) {
    throw failure(own_failure,
                  "--log=" + where + ": cannot be opened: " + std::generic_category().message(errno));
  }
  ours_ = true;
}

output::~output() {
  if (ours_) close(fd_);
}

void output::write(const std::string& text) {
  const int error = try_to_write(text);
  if (error == 0 || complained_) return;
  complained_ = true;
  const std::string complaint =
      "nosigbus-run: the report cannot be written: " + std::generic_category().message(error) + "\n";
  // Not by stdio, which would try for ever.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, complaint.data(), complaint.size());
}

int output::try_to_write(const std::string& text) const {
  // Of tries in a row; a reader that takes nothing for so long, a second each, takes nothing any more; it
  // is not waited for again.
  constexpr int most_in_vain = 60;
  size_t done = 0;
  for (int in_vain = 0; done < text.size() && in_vain < most_in_vain; ++in_vain) {
    const ssize_t written = ::write(fd_, text.data() + done, text.size() - done);
    if (written > 0) {
      done += static_cast<size_t>(written);
      in_vain = 0;
    } else if (written < 0 && errno == EAGAIN && !complained_) {
      pollfd room{fd_, POLLOUT, 0};
      poll(&room, 1, 1'000);
    } else if (written < 0 && errno != EINTR) {
      return errno;
    }
  }
  return done < text.size() ? EAGAIN : 0;
}

}  // namespace nosigbus::run
