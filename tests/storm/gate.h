// SPDX-License-Identifier: MIT
//
// Stops all workers between two turns of their work, so that what they leave behind can be counted.
#pragma once

#include <condition_variable>
#include <mutex>

namespace storm {

class gate {
 public:
  explicit gate(int workers) : workers_(workers) {}

  // A worker's, before each turn. While the gate is closed, calls tidy_up and waits. False: the storm is
  // over.
  template <class F>
  bool pass(F tidy_up) {
    std::unique_lock lock(mutex_);
    if (closed_) {
      lock.unlock();
      tidy_up();
      lock.lock();
      ++waiting_;
      all_wait_.notify_one();
      opened_.wait(lock, [this] { return !closed_; });
      --waiting_;
    }
    return !over_;
  }

  // Returns when all workers wait.
  void close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    all_wait_.wait(lock, [this] { return waiting_ == workers_; });
  }
  void open(bool over) {
    const std::unique_lock lock(mutex_);
    closed_ = false;
    over_ = over;
    opened_.notify_all();
  }

 private:
  const int workers_;
  int waiting_ = 0;
  bool closed_ = false, over_ = false;
  std::mutex mutex_;
  std::condition_variable opened_, all_wait_;
};

}  // namespace storm
