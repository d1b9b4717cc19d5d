// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>

namespace nosigbus::run {

// Exit statuses besides the program's own: env(1)'s, and one more.
enum exit_status { cannot_protect = 124, own_failure = 125, cannot_execute = 126, not_found = 127 };

// The program was not started. The text says what is wrong, and what to do.
class failure : public std::runtime_error {
 public:
  failure(exit_status status, const std::string& text) : std::runtime_error(text), status_(status) {}
  exit_status status() const { return status_; }

 private:
  exit_status status_;
};

}  // namespace nosigbus::run
