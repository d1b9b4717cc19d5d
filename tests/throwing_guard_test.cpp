// SPDX-License-Identifier: MIT
//
// Faults as exceptions, thrown by the instruction that met them. Built with -fnon-call-exceptions.
#include <sys/mman.h>
#include <nosigbus/throwing_guard.hpp>

#include <cstdlib>
#include <cstring>
#include <nosigbus/nosigbus.hpp>
#include <string>
#include <thread>
#include <vector>

#include "support/each_entry.h"
#include "support/on_stack.h"
#include "support/readers.h"

using namespace test;

namespace {

const size_t page = page_size();

int g_alive = 0;
struct counted {
  counted() { ++g_alive; }
  ~counted() { --g_alive; }
};

// Objects to destroy in each frame, and registers that belong to the caller.
__attribute__((noinline)) long deep(const volatile unsigned char* at, int depth, long a, long b, long c) {
  const counted here;
  if (depth == 0) return *at + a + b + c;
  const long sum = deep(at, depth - 1, a + 1, b + 2, c + 3);
  return sum + a * b + c;
}

// A function that keeps its objects in reach of an aligned stack.
__attribute__((noinline)) int aligned(const volatile unsigned char* at) {
  alignas(64) volatile unsigned char room[64] = {};
  const counted here;
  return room[0] + *at + room[63];
}

const reader own_readers[] = {
    {"own code", [](const bad_memory& m) { (void)*const_cast<const volatile unsigned char*>(m.bad()); }},
    {"deep calls", [](const bad_memory& m) { deep(m.bad(), 200, 1, 2, 3); }},
    {"an aligned frame", [](const bad_memory& m) { aligned(m.bad()); }},
    {"memcpy, among objects",
     [](const bad_memory& m) {
       const counted here;
       std::vector<unsigned char> to(m.size());
       the_memcpy(to.data(), m.begin, m.size());
     }},
    {"qsort's callback, with an object",
     [](const bad_memory& m) {
       static const volatile unsigned char* g_bad;
       g_bad = m.bad();
       unsigned char keys[100] = {};
       qsort(keys, sizeof keys, 1, [](const void*, const void*) -> int {
         const counted here;
         return *g_bad;
       });
     }},
};

void nested(int depth, const bad_memory& memory, const reader& way) {
  static unsigned char elsewhere;
  const counted here;
  if (depth == 0) return way.read(memory);
  if (depth % 2 == 0) {
    nosigbus::throwing_guard([&] { nested(depth - 1, memory, way); }, &elsewhere, 1);
  } else {
    nosigbus::guard([&] { nested(depth - 1, memory, way); }, &elsewhere, 1).error();
  }
}

void expect_thrown(const bad_memory& memory, const reader& way, int depth) {
  volatile int caught = 0;
  long p = 1, q = 2, r = 3, s = 4, t = 5;
  try {
    const counted here;
    asm volatile("" : "+r"(p), "+r"(q), "+r"(r), "+r"(s), "+r"(t));
    nosigbus::throwing_guard([&] { nested(depth, memory, way); }, memory.begin, memory.size());
  } catch (const nosigbus::bus_error& error) {
    caught = 1;
    CHILD_CHECK(error.fault().signo == memory.signo);
    CHILD_CHECK(memory.holds(error.fault().address));
  }
  asm volatile("" : "+r"(p), "+r"(q), "+r"(r), "+r"(s), "+r"(t));
  CHILD_CHECK(caught == 1);
  CHILD_CHECK(p + q + r + s + t == 15);
  CHILD_CHECK(g_alive == 0);
}

}  // namespace

TEST_CASE("code x place x nesting x signal: each fault is thrown, and destructors run") {
  for (const reader& way : with_others(own_readers)) {
    for (const bool segv : {false, true}) {
      CAPTURE(std::string(way.name));
      CAPTURE(segv);
      in_each_entry(
          exited(0),
          [&] {
            nosigbus_install(segv ? NOSIGBUS_CATCH_SEGV : 0);
            const bad_memory memory = way.make(segv);
            for (int depth = 0; depth < 4; ++depth) {
              const auto work = [&] { expect_thrown(memory, way, depth); };
              for (int i = 0; i < 3; ++i) work();
              std::thread(work).join();
              with_alternate_stack(work);
              on_alternate_stack(work);
              on_own_stack_in_handler(work);
            }
          },
          20, entries_of_stacks);
    }
  }
}

TEST_CASE("it may be caught inside, and the rest goes on under the guard") {
  in_each_entry(exited(0), [] {
    const bad_memory memory = cut_off();
    const int sum = nosigbus::throwing_guard([&] {
      int caught = 0;
      for (int i = 0; i < 100; ++i) {
        try {
          deep(memory.bad() + i, i, 1, 2, 3);
        } catch (const nosigbus::bus_error& error) {
          caught += error.fault().address == reinterpret_cast<uintptr_t>(memory.bad() + i) ? 1 : 1000;
        }
      }
      return caught;
    });
    CHILD_CHECK(sum == 100);
    CHILD_CHECK(g_alive == 0);
    CHILD_CHECK(nosigbus::throwing_guard([] { return std::string("value"); }) == "value");
  });
}

TEST_CASE("a guard that is left before and after its function leaves other guards in place") {
  in_each_entry(exited(0), [] {
    shared_file file(page);
    unsigned char* const bad = file.map(page, PROT_READ | PROT_WRITE);
    file.resize(0);
    // Written when its function has returned, or was stopped.
    auto* const out = reinterpret_cast<nosigbus_fault*>(bad);
    const auto nothing = [](void*) { return 0; };
    const auto faults = [](void* at) { return static_cast<int>(*static_cast<volatile unsigned char*>(at)); };
    int caught = 0;
    nosigbus::throwing_guard([&] {
      for (int i = 0; i < 10; ++i) {
        try {
          nosigbus_guard(i % 2 == 0 ? +nothing : +faults, bad, nullptr, 0, out);
        } catch (const nosigbus::bus_error&) {
          ++caught;
        }
      }
    });
    CHILD_CHECK(caught == 10);
  });
}

TEST_CASE("a range that is none is refused: a size of 0 is not any address") {
  int runs = 0;
  const auto refused = [&](const void* base, size_t length) {
    try {
      nosigbus::throwing_guard([&] { ++runs; }, base, length);
    } catch (const std::invalid_argument&) {
      return true;
    }
    return false;
  };
  CHECK(refused(&runs, 0));
  CHECK(refused(nullptr, 1));
  CHECK(refused(&runs, SIZE_MAX));
  CHECK(runs == 0);
}

TEST_CASE("what is not covered kills, and after the guard all does") {
  in_each_entry(killed_by(SIGBUS), [] {
    const bad_memory a = cut_off(), b = cut_off();
    nosigbus::throwing_guard([&] { deep(a.bad(), 1, 1, 2, 3); }, b.begin, b.size());
  });
  in_each_entry(killed_by(SIGBUS), [] {
    const bad_memory a = cut_off();
    expect_thrown(a, own_readers[1], 2);
    deep(a.bad(), 1, 1, 2, 3);
  });
}

namespace {

// Ends as `expected`, and says so.
template <class Body>
void dies_with_a_message(Body body) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  CHECK(in_child([&] {
          enter_by(entry::installed);
          dup2(ends[1], 2);
          body();
          return 0;
        }) == killed_by(SIGABRT));
  close(ends[1]);
  char text[2000] = {};
  size_t length = 0;
  for (ssize_t n = 1; n > 0 && length < sizeof text - 1; length += static_cast<size_t>(n)) {
    n = read(ends[0], text + length, sizeof text - 1 - length);
    CHECK(n >= 0);
  }
  close(ends[0]);
  CHECK(strstr(text, "-fnon-call-exceptions") != nullptr);
}

void does_not_throw(const bad_memory& memory) noexcept { deep(memory.bad(), 1, 1, 2, 3); }

}  // namespace

TEST_CASE("what cannot be unwound, or is not caught, says so") {
  dies_with_a_message([] {
    const bad_memory memory = cut_off();
    try {
      nosigbus::throwing_guard([&] { does_not_throw(memory); });
    } catch (const nosigbus::bus_error&) {
    }
  });
  dies_with_a_message([] {
    const bad_memory memory = cut_off();
    std::thread([&] { nosigbus::throwing_guard([&] { deep(memory.bad(), 1, 1, 2, 3); }); }).join();
  });
  // What is declared not to throw is not expected to by its callers, and libc's headers declare memcpy so.
  dies_with_a_message([] {
    const bad_memory memory = cut_off();
    try {
      nosigbus::throwing_guard([&] {
        std::vector<unsigned char> to(memory.size());
        memcpy(to.data(), memory.begin, memory.size());
        asm volatile("" : : "r"(to.data()) : "memory");
      });
    } catch (const nosigbus::bus_error&) {
    }
  });
}
