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

  // All of it at once, so that it stays together among what others write. Of what cannot be written the first
  // time says so on stderr; errors are not for the program.
  void write(const std::string& text);
  int descriptor() const { return fd_; }

 private:
  // 0, or why not all of it.
  int try_to_write(const std::string& text) const;

  int fd_;
  bool ours_ = false, complained_ = false;
};

}  // namespace nosigbus::run
