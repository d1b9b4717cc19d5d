// SPDX-License-Identifier: MIT
//
// A file of a file system that the other side answers for (FUSE): it serves, until it stops answering. For
// code in children.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>

namespace test {

class stalling_filesystem {
 public:
  // Mounted over /tmp, in a mount namespace of the child's own.
  stalling_filesystem();
  ~stalling_filesystem();
  stalling_filesystem(const stalling_filesystem&) = delete;
  stalling_filesystem& operator=(const stalling_filesystem&) = delete;

  // Of its only file, of four pages.
  int open_file() const;
  // Requests so far.
  uint64_t requests() const { return shared_->requests; }
  // From now on questions are left without an answer.
  void stop_answering() { shared_->silent = true; }
  // Waits until somebody waits for an answer.
  void wait_for_victim() const;
  // Whoever waits is given an error.
  void end();

  static bool can_be_mounted();

 private:
  struct state {
    std::atomic<uint64_t> requests;
    std::atomic<bool> silent;
    std::atomic<uint32_t> victims;  // a futex
  };
  static void serve(int device, state& shared);

  state* shared_;
  pid_t server_ = -1;
};

}  // namespace test
