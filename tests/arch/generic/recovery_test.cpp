// SPDX-License-Identifier: MIT
//
// Recovery points of operations that a signal handler interrupts. The handler comes by a fault of the
// operation on its unguarded side, which is not absorbed: so it always comes, and in the middle of the
// operation.
#include <doctest/doctest.h>
#include <errno.h>
#include <nosigbus/copy.h>
#include <nosigbus/runtime.h>
#include <setjmp.h>

#include <cstring>

#include "support/chain_fixture.h"
#include "support/no_qemu.h"

using namespace test;

namespace {

constexpr size_t half = 2048;

// A page, good or missing, and a page in front of it that is good.
struct pages {
  shared_file file{page_size()};
  unsigned char* base = file.map(2 * page_size(), PROT_READ | PROT_WRITE);
  unsigned char* missing = base + page_size();

  void repair() const {
    CHILD_CHECK(mmap(missing, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                     -1, 0) == missing);
  }
};

// safe_read from src to dst meets dst's missing page first, by `half`, then src's.
struct scene {
  pages src, dst;
  unsigned char* from() const { return src.missing - 2 * half; }
  unsigned char* to() const { return dst.missing - half; }
  size_t read() const { return nosigbus_safe_read(to(), from(), 3 * half); }
};

const scene* g_scene = nullptr;
// Volatile: written by a handler that interrupts plain accesses.
volatile int g_calls = 0;
volatile uintptr_t g_addresses[8];
sigjmp_buf g_way_out;

void note(const siginfo_t* info) {
  const int call = g_calls;
  CHILD_CHECK(call < 8);
  g_calls = call + 1;
  g_addresses[call] = reinterpret_cast<uintptr_t>(info->si_addr);
}
bool was(int call, const void* address) { return g_addresses[call] == reinterpret_cast<uintptr_t>(address); }

void set_up(void (*handler)(int, siginfo_t*, void*)) {
  install_handler(SIGBUS, handler, SA_NODEFER);
  CHILD_CHECK(nosigbus_install(0) == 0);
}

// What the operation read before it met src's missing page, and nothing else.
void check_result(const scene& s, size_t read) {
  CHILD_CHECK(read == 2 * half);
  CHILD_CHECK(memcmp(s.to(), s.from(), 2 * half) == 0);
  CHILD_CHECK(nosigbus_last_fault()->address == reinterpret_cast<uintptr_t>(s.src.missing));
  CHILD_CHECK(nosigbus_last_fault()->access == NOSIGBUS_READ);
  CHILD_CHECK(nosigbus_last_fault()->pc != 0);
}

template <class Body>
void in_a_child(const outcome& expected, Body body) {
  CHECK(in_child([&] {
          const scene s;
          g_scene = &s;
          body(s);
          return 0;
        }) == expected);
}

}  // namespace

TEST_CASE("an operation goes on after a handler that used others, and is still guarded") {
  in_a_child(exited(0), [](const scene& s) {
    set_up([](int, siginfo_t* info, void*) {
      note(info);
      unsigned char bytes[64];
      CHILD_CHECK(nosigbus_safe_read(bytes, g_scene->src.missing - 32, sizeof bytes) == 32);
      CHILD_CHECK(nosigbus_safe_fill(g_scene->src.missing, 1, 8) == 0);
      uint32_t word = 0;
      CHILD_CHECK(nosigbus_safe_load32(g_scene->src.base, &word) == 0);
      g_scene->dst.repair();
    });
    check_result(s, s.read());
    CHILD_CHECK(g_calls == 1 && was(0, s.dst.missing));
  });
}

TEST_CASE("a handler's own fault is not the interrupted operation's, though it lies in what that guards") {
  in_a_child(exited(0), [](const scene& s) {
    set_up([](int, siginfo_t* info, void*) {
      note(info);
      if (g_calls == 1) {
        static_cast<void>(*static_cast<volatile unsigned char*>(g_scene->src.missing));
        g_scene->dst.repair();
      } else {
        g_scene->src.repair();
      }
    });
    CHILD_CHECK(s.read() == 3 * half);
    CHILD_CHECK(g_calls == 2 && was(0, s.dst.missing) && was(1, s.src.missing));
  });
}

TEST_CASE("an operation that a handler has left for good is not gone back to") {
  in_a_child(exited(0), [](const scene& s) {
    set_up([](int, siginfo_t* info, void*) {
      note(info);
      if (g_calls == 1) siglongjmp(g_way_out, 1);
      g_scene->src.repair();
    });
    if (sigsetjmp(g_way_out, 1) == 0) s.read();
    // Guarded by what is dead: the handler's.
    static_cast<void>(*static_cast<volatile unsigned char*>(s.src.missing));
    CHILD_CHECK(g_calls == 2 && was(1, s.src.missing));
    // Later operations are guarded as ever.
    const pages other;
    unsigned char bytes[64];
    CHILD_CHECK(nosigbus_safe_read(bytes, other.missing - 32, sizeof bytes) == 32);
    static_cast<void>(*static_cast<volatile unsigned char*>(s.src.missing));
    CHILD_CHECK(nosigbus_safe_read(bytes, other.missing - 16, sizeof bytes) == 16);
    CHILD_CHECK(g_calls == 2);
  });
}

TEST_CASE("an operation that a handler leaves within itself is not taken for the one it interrupted") {
  in_a_child(exited(0), [](const scene& s) {
    set_up([](int, siginfo_t* info, void*) {
      note(info);
      if (g_calls == 2) siglongjmp(g_way_out, 1);
      if (g_calls == 1) {
        // The same addresses, by the same code, deeper on the stack.
        if (sigsetjmp(g_way_out, 1) == 0) g_scene->read();
        g_scene->dst.repair();
      } else {
        g_scene->src.repair();
      }
    });
    // Handed on instead of survived: safe, if not perfect.
    CHILD_CHECK(s.read() == 3 * half);
    CHILD_CHECK(g_calls == 3 && was(2, s.src.missing));
    // And over when the operation is.
    const pages other;
    unsigned char bytes[64];
    CHILD_CHECK(nosigbus_safe_read(bytes, other.missing - 32, sizeof bytes) == 32);
    CHILD_CHECK(g_calls == 3);
  });
}

TEST_CASE("without a handler before ours, a fault on the unguarded side kills") {
  in_a_child(killed_by(SIGBUS), [](const scene& s) {
    CHILD_CHECK(nosigbus_install(0) == 0);
    s.read();
  });
  in_a_child(killed_by(SIGBUS), [](const scene& s) {
    CHILD_CHECK(nosigbus_install(0) == 0);
    nosigbus_safe_write(s.from(), s.dst.missing, 8);
  });
}

namespace {

// With an alternate stack of these flags, which has to be there as before.
void meet_a_thousand_faults(const scene& s, unsigned flags) {
  static unsigned char memory[64 << 10];
  stack_t stack{};
  stack.ss_sp = memory;
  stack.ss_size = sizeof memory;
  stack.ss_flags = static_cast<int>(flags);
  CHILD_CHECK(sigaltstack(&stack, nullptr) == 0);
  CHILD_CHECK(nosigbus_install(0) == 0);
  sigset_t blocked, before, after;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  sigaddset(&blocked, SIGRTMIN);
  CHILD_CHECK(sigprocmask(SIG_SETMASK, &blocked, nullptr) == 0);
  CHILD_CHECK(sigprocmask(SIG_SETMASK, nullptr, &before) == 0);
  s.dst.repair();
  for (int i = 0; i < 1000; ++i) {
    errno = 77;
    check_result(s, s.read());
    CHILD_CHECK(errno == 77);
    CHILD_CHECK(sigprocmask(SIG_SETMASK, nullptr, &after) == 0);
    CHILD_CHECK(memcmp(&before, &after, 8) == 0);
    stack_t now{};
    CHILD_CHECK(sigaltstack(nullptr, &now) == 0);
    CHILD_CHECK(now.ss_sp == memory && now.ss_size == sizeof memory);
    CHILD_CHECK(static_cast<unsigned>(now.ss_flags) == flags);
  }
  CHILD_CHECK(nosigbus_check() == 0);
}

}  // namespace

TEST_CASE("a fault leaves mask, alternate stack and errno as they were") {
  in_a_child(exited(0), [](const scene& s) { meet_a_thousand_faults(s, 0); });
}

TEST_CASE(
    "a fault leaves an alternate stack with SS_AUTODISARM in place" NO_QEMU("it does not know the flag")) {
  in_a_child(exited(0), [](const scene& s) { meet_a_thousand_faults(s, 1u << 31); });
}
