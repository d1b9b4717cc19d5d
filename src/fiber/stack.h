// SPDX-License-Identifier: MIT
//
// A stack with a page below it that cannot be accessed.
#pragma once

#include <cstddef>

namespace nosigbus {

class fiber_stack {
 public:
  // Throws std::system_error.
  explicit fiber_stack(std::size_t size);
  ~fiber_stack();
  fiber_stack(const fiber_stack&) = delete;
  fiber_stack& operator=(const fiber_stack&) = delete;

  char* bottom() const { return begin_ + guard_; }
  char* top() const { return begin_ + length_; }
  std::size_t size() const { return length_ - guard_; }
  bool contains(const void* at) const {
    const char* const here = static_cast<const char*>(at);
    return here >= bottom() && here < top();
  }

 private:
  std::size_t guard_, length_;
  char* begin_;
};

}  // namespace nosigbus
