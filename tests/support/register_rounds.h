// SPDX-License-Identifier: MIT
//
// A fiber that faults with known values in all registers, goes on on another thread, and compares; with
// signals arriving all the time.
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <atomic>
#include <cstring>
#include <nosigbus/fiber.hpp>
#include <nosigbus/nosigbus.hpp>
#include <random>
#include <thread>

#include "each_entry.h"
#include "sampling.h"
#include "shared_file.h"

namespace test {

// Registers: the machine's, of a size that is a multiple of 8. load(const volatile uint64_t* bad, const
// Registers* in, Registers* out) fills them from in, loads *bad into one of them, and stores them all to out.
// expected(in, value): what out has to be.
template <class Registers, class Load, class Expected>
void register_rounds(Load load, Expected expected, const size_t rounds) {
  struct sigaction action {};
  action.sa_handler = [](int) {
    // Uses vector registers.
    static unsigned char g_from[200], g_to[200];
    memcpy(g_to, g_from, sizeof g_to);
    asm volatile("" : : : "memory");
  };
  sigaction(SIGALRM, &action, nullptr);
  const itimerval often{{0, 100}, {0, 100}};
  setitimer(ITIMER_REAL, &often, nullptr);

  shared_file file(page_size());
  const auto* const bad = reinterpret_cast<const uint64_t*>(file.map(page_size()));
  std::mt19937_64 random(11);
  uint64_t value = 0;
  nosigbus::fiber fiber([&] {
    for (size_t i = 0; i < rounds; ++i) {
      alignas(64) Registers in, out, wanted;
      auto* const words = reinterpret_cast<uint64_t*>(&in);
      for (size_t word = 0; word < sizeof in / sizeof *words; ++word) words[word] = random();
      file.resize(0);
      load(bad, &in, &out);
      wanted = expected(in, value);
      CHILD_CHECK(memcmp(&out, &wanted, sizeof out) == 0);
    }
  });
  // Two threads take turns.
  std::atomic<unsigned> turn{0};
  std::atomic<bool> done{false};
  const auto host = [&](unsigned me) {
    for (;;) {
      while (turn.load() % 2 != me && !done) turn.wait(1 - me);
      if (done) return;
      const auto stop = fiber.resume();
      if (stop.faulted()) {
        file.resize(page_size());
        value = random();
        CHILD_CHECK(pwrite(file.fd(), &value, sizeof value, 0) == sizeof value);
      } else {
        CHILD_CHECK(stop.finished());
        done = true;
      }
      turn = 1 - me;
      turn.notify_all();
    }
  };
  std::thread other(host, 1u);
  host(0);
  other.join();
  CHILD_CHECK(nosigbus::stats().absorbed_by_guard == rounds);
}

}  // namespace test
