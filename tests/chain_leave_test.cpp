// SPDX-License-Identifier: MIT
//
// Previous actions that do not simply return: handlers that leave by siglongjmp, that use nosigbus
// themselves, that are interrupted, that are reset while others fault.
#include <doctest/doctest.h>
#include <nosigbus/copy.h>
#include <nosigbus/runtime.h>
#include <pthread.h>
#include <setjmp.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "support/chain_fixture.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"

namespace {

using namespace test;

const shared_count* g_calls = nullptr;
const missing_page* g_fixture = nullptr;

constexpr int handler_flags[] = {0, SA_NODEFER, SA_ONSTACK, SA_NODEFER | SA_ONSTACK};

sigjmp_buf g_way_out;
uintptr_t g_lowest, g_highest;

void leaving(int, siginfo_t*, void*) {
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  if (here < g_lowest) g_lowest = here;
  if (here > g_highest) g_highest = here;
  ++*g_calls;
  siglongjmp(g_way_out, 1);
}

int leave_many_times(int times, int flags) {
  const missing_page f;
  set_alternate_stack(true);
  install_handler(SIGBUS, leaving, flags);
  CHILD_CHECK(nosigbus_install(0) == 0);
  g_lowest = UINTPTR_MAX;
  g_highest = 0;
  const size_t descriptors = count_descriptors();
  volatile size_t vmas = 0;
  while (g_calls->get() < times) {
    if (sigsetjmp(g_way_out, 1) == 0) f.read_foreign();
    if (g_calls->get() == 1) vmas = count_vmas();  // the first round may allocate
  }
  CHILD_CHECK(g_calls->get() == times);
  CHILD_CHECK(g_lowest == g_highest);  // no frame left behind
  CHILD_CHECK(count_vmas() == vmas);
  CHILD_CHECK(count_descriptors() == descriptors);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  CHILD_CHECK(sigismember(&mask, SIGBUS) == 0);
  CHILD_CHECK(nosigbus_check() == 0);
  // What is ours is absorbed as ever, and nobody waits for handlers that never returned.
  CHILD_CHECK(*f.guarded == 0);
  CHILD_CHECK(g_calls->get() == times);
  CHILD_CHECK(nosigbus_region_release(f.region) == 0);
  CHILD_CHECK(nosigbus_uninstall() == 0);
  return 0;
}

}  // namespace

TEST_CASE("A handler that leaves by siglongjmp a thousand times leaves nothing behind") {
  for (const int flags : handler_flags) {
    CAPTURE(flags);
    const shared_count calls;
    g_calls = &calls;
    CHECK(in_child([=] { return leave_many_times(1000, flags); }) == exited(0));
  }
}

namespace {

// Looks at the bad memory itself before it repairs it.
void copying(int, siginfo_t*, void*) {
  ++*g_calls;
  unsigned char bytes[64];
  memset(bytes, 0xff, sizeof bytes);
  CHILD_CHECK(nosigbus_safe_read(bytes, g_fixture->foreign - 32, sizeof bytes) == 32);
  for (size_t i = 0; i < sizeof bytes; ++i) {
    CHILD_CHECK(bytes[i] == (i < 32 ? pattern(page_size() - 32 + i) : 0));
  }
  CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_MISSING);
  CHILD_CHECK(*g_fixture->guarded == 0);
  mmap(g_fixture->foreign, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
       0);
}

int copy_in_handler(bool alternate, int flags) {
  const missing_page f;
  g_fixture = &f;
  set_alternate_stack(alternate);
  install_handler(SIGBUS, copying, flags);
  CHILD_CHECK(nosigbus_install(0) == 0);
  f.read_foreign();
  CHILD_CHECK(g_calls->get() == 1);
  return 0;
}

}  // namespace

TEST_CASE(
    "A handler with SA_NODEFER may use guarded operations and regions and one without it dies of it" NO_QEMU(
        "a fault while SIGBUS is blocked or ignored repeats for ever")
        NO_TSAN("its handler blocks what SA_NODEFER does not")) {
  for (const bool alternate : {false, true}) {
    for (const int flags : handler_flags) {
      CAPTURE(alternate);
      CAPTURE(flags);
      const shared_count calls;
      g_calls = &calls;
      const outcome end = in_child([=] { return copy_in_handler(alternate, flags); });
      CHECK(end == ((flags & SA_NODEFER) != 0 ? exited(0) : killed_by(SIGBUS)));
      CHECK(calls.get() == 1);
    }
  }
}

namespace {

// Uses the alternate stack while the handler that was interrupted is on the thread's own.
void on_alternate_stack(int, siginfo_t*, void*) {
  volatile unsigned char scratch[16 << 10];
  for (size_t i = 0; i < sizeof scratch; ++i) scratch[i] = 0x5a;
}

void interrupted(int, siginfo_t* info, void* ucontext) {
  const siginfo_t before = *info;
  const auto saved = static_cast<ucontext_t*>(ucontext)->uc_mcontext;
  raise(SIGUSR1);
  CHILD_CHECK(memcmp(&before, info, sizeof before) == 0);
  CHILD_CHECK(memcmp(&saved, &static_cast<ucontext_t*>(ucontext)->uc_mcontext, sizeof saved) == 0);
  mmap(g_fixture->foreign, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
       0);
}

}  // namespace

TEST_CASE("A handler interrupted by one on the alternate stack keeps its frame") {
  for (const int flags : {0, static_cast<int>(SA_ONSTACK)}) {
    CAPTURE(flags);
    CHECK(in_child([=] {
            const missing_page f;
            g_fixture = &f;
            set_alternate_stack(true);
            install_handler(SIGUSR1, on_alternate_stack, SA_ONSTACK);
            install_handler(SIGBUS, interrupted, flags);
            CHILD_CHECK(nosigbus_install(0) == 0);
            f.read_foreign();
            return 0;
          }) == exited(0));
  }
}

namespace {

// Never returns: the process ends by what the other threads meet.
void call_once(int, siginfo_t*, void*) {
  ++*g_calls;
  for (;;) pause();
}

int race_for_reset_handler(bool with_library) {
  constexpr int threads = 8;
  const missing_page f;
  install_handler(SIGBUS, call_once, static_cast<int>(SA_RESETHAND));
  if (with_library) CHILD_CHECK(nosigbus_install(0) == 0);
  std::atomic<int> ready{0};
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) {
    all.emplace_back([&] {
      ++ready;
      while (ready.load() != threads) std::this_thread::yield();
      f.read_foreign();
    });
  }
  for (std::thread& t : all) t.join();
  return 0;
}

}  // namespace

TEST_CASE(
    "SA_RESETHAND: of eight threads that fault at once one at most gets the handler and another "
    "kills" NO_QEMU("a process of several threads dies of anything")) {
  for (const bool with_library : {false, true}) {
    CAPTURE(with_library);
    int total = 0;
    for (int round = 0; round < 25; ++round) {
      const shared_count calls;
      g_calls = &calls;
      CHECK(in_child([=] { return race_for_reset_handler(with_library); }) == killed_by(SIGBUS));
      // None: the second thread has killed before the first was in the handler it had been given.
      CHECK(calls.get() <= 1);
      total += calls.get();
    }
    CHECK(total > 0);
  }
}
