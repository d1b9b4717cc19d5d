// SPDX-License-Identifier: MIT
//
// The C library's function behind one of ours.
#pragma once

#include <dlfcn.h>

#include <atomic>

namespace nosigbus::preload {

template <class Function>
class real {
 public:
  constexpr explicit real(const char* name) : name_(name) {}

  Function* get() {
    Function* known = function_.load(std::memory_order_relaxed);
    if (known == nullptr) {
      known = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name_));
      function_.store(known, std::memory_order_relaxed);  // no partner: all threads find out the same
    }
    return known;
  }
  template <class... Arguments>
  auto operator()(Arguments... arguments) {
    return get()(arguments...);
  }

 private:
  const char* const name_;
  std::atomic<Function*> function_{nullptr};
};

// dlsym takes locks: what handlers call is looked up before there are any.
template <class... Functions>
void look_up(real<Functions>&... all) {
  (all.get(), ...);
}
void look_up_actions();
void look_up_masks();
void look_up_ways_to_give_up();
void look_up_identity();
void look_up_limits();

// SIGBUS can reach the thread again, unless one that was sent to it still waits to be let through.
void open_held_mask();

}  // namespace nosigbus::preload

// A function of the C library that the drop-in puts its own in front of.
#define NOSIGBUS_WRAPPER extern "C" __attribute__((visibility("default")))
