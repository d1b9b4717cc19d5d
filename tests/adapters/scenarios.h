// SPDX-License-Identifier: MIT
//
// What code in children does to memory that it shares, and whoever handled SIGBUS before.
#pragma once

#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <thread>

#include "support/child.h"
#include "support/shared_file.h"

namespace adapters {

inline const size_t page = test::page_size();

// What a handler ends the process with that was there before.
inline constexpr int previous_handler = 42;
// What a scenario returns when something is not as it should be, but nobody died.
inline constexpr int wrong = 1;

inline unsigned char* map_writable(const test::shared_file& file, size_t length) {
  return file.map(length, PROT_READ | PROT_WRITE);
}
inline unsigned char peek(const unsigned char* address) {
  return *static_cast<const volatile unsigned char*>(address);
}
inline void poke(unsigned char* address, unsigned char value) {
  *static_cast<volatile unsigned char*>(address) = value;
}

inline void handle_by_exit(int signo = SIGBUS) {
  signal(signo, [](int) { _exit(previous_handler); });
}

// A fault, or a signal, that is nobody's: with the default action, or a handler, that was there before.
struct before {
  bool had_handler;
  int signo = SIGBUS;

  template <class Scenario>
  test::outcome run(Scenario scenario) const {
    return test::in_child([&] {
      if (had_handler) handle_by_exit(signo);
      return int{scenario()};
    });
  }
  test::outcome reached() const {
    return had_handler ? test::exited(previous_handler) : test::killed_by(signo);
  }
};

// A mapping that nobody was told of, cut off.
inline unsigned char* stranger() {
  test::shared_file file(page);
  unsigned char* const mapped = map_writable(file, page);
  file.resize(0);
  return mapped;
}

// Two threads that meet a missing page together, again and again, each with a byte of its own: round() gives
// the page, and both bytes have to be there afterwards. False: one was lost.
template <class Round>
bool race(int rounds, Round round) {
  std::atomic<unsigned char*> current{nullptr};
  std::atomic<int> turn{0}, done{0};
  const auto write = [&](int byte) {
    for (int i = 1; i <= rounds; ++i) {
      while (turn.load(std::memory_order_acquire) != i) std::this_thread::yield();
      poke(current.load(std::memory_order_relaxed) + byte, static_cast<unsigned char>(1 + byte));
      done.fetch_add(1, std::memory_order_release);
    }
  };
  std::thread one(write, 0), other(write, 1);
  bool kept = true;
  for (int i = 1; i <= rounds; ++i) {
    current.store(round(), std::memory_order_relaxed);
    turn.store(i, std::memory_order_release);
    while (done.load(std::memory_order_acquire) != 2 * i) std::this_thread::yield();
    kept = kept && peek(current) == 1 && peek(current + 1) == 2;
  }
  one.join();
  other.join();
  return kept;
}

// Whether the kernel refuses private memory of an absurd size: /proc/sys/vm/overcommit_memory is not 1.
inline bool memory_is_refused() {
  int mode = 1;
  std::ifstream("/proc/sys/vm/overcommit_memory") >> mode;
  return mode != 1;
}
inline constexpr size_t absurd_size = size_t{1} << 41;

}  // namespace adapters
