// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace nosigbus::run {

// Where messages and reports go.
class output {
 public:
  // A file's name, which is appended to; fd:N or N, a descriptor, which the program then does not get unless
  // it is one of the first three; empty: stderr. Throws failure.
  explicit output(const std::string& where);
  ~output();
  output(const output&) = delete;
  output& operator=(const output&) = delete;

  // All of it at once, so that it stays together among what others write. Errors are not for the program.
  void write(const std::string& text) const;
  int descriptor() const { return fd_; }

 private:
  int fd_;
  bool ours_ = false;
};

}  // namespace nosigbus::run
