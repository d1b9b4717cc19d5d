// SPDX-License-Identifier: MIT
//
// Anonymous memory where a region was an instant ago. A handler that still works on the region would put
// zeros over it.
#pragma once

#include <deque>

#include "scene.h"

namespace storm {

class canaries {
 public:
  explicit canaries(scene& on) : on_(on) {}
  ~canaries() { give_up(0); }
  canaries(const canaries&) = delete;
  canaries& operator=(const canaries&) = delete;

  // Puts one there, unless somebody else has taken the place, and looks at all; gives up the oldest.
  void place(void* address, size_t length) {
    void* const got = mmap(address, length, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == MAP_FAILED) {
      ++on_.refused;
    } else {
      if (got != address) fail("a kernel without MAP_FIXED_NOREPLACE");
      auto* const words = static_cast<uint64_t*>(got);
      for (size_t i = 0; i < length / sizeof *words; ++i) words[i] = content(&words[i]);
      all_.push_back({words, length});
      ++on_.canaries;
    }
    give_up(most);
  }

  void check() const {
    for (const canary& c : all_) {
      for (const uint64_t* at = c.words; at < c.words + c.length / sizeof *at; ++at) {
        if (*at != content(at)) fail("a canary at %p of %zu bytes is broken at %p", c.words, c.length, at);
      }
      ++on_.checks;
    }
  }

  // All but so many, the youngest.
  void give_up(size_t left) {
    check();
    for (; all_.size() > left; all_.pop_front()) munmap(all_.front().words, all_.front().length);
  }

 private:
  static constexpr size_t most = 4;
  struct canary {
    uint64_t* words;
    size_t length;
  };
  static uint64_t content(const volatile void* at) {
    return reinterpret_cast<uintptr_t>(at) * 0x9e3779b97f4a7c15u | 1;
  }

  scene& on_;
  std::deque<canary> all_;
};

}  // namespace storm
