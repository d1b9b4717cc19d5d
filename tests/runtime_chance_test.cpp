// SPDX-License-Identifier: MIT
//
// First chance, counters, and the handler in forked processes.
#include <doctest/doctest.h>
#include <errno.h>
#include <nosigbus/copy.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <thread>
#include <vector>

#include "support/chain_fixture.h"
#include "support/fault_context.h"

namespace {

using namespace test;

constexpr int not_ours = 40;  // exit code of an embedder to whom nosigbus said 0
unsigned char* volatile g_null = nullptr;
int g_absorbed = 0;

void embedder(int signo, siginfo_t* info, void* ucontext) {
  errno = 1234;
  const int answer = nosigbus_handle_signal(signo, info, ucontext);
  CHILD_CHECK(errno == 1234);
  if (answer == 0) _exit(not_ours);
  CHILD_CHECK(answer == 1);
  ++g_absorbed;
}

// Runs fn in a child in which an embedder owns both signals. flags: as for install, if that is called.
template <class F>
outcome embedded(bool install, unsigned flags, F fn) {
  return in_child([=] {
    if (install) CHILD_CHECK(nosigbus_install(flags) == 0);
    install_handler(SIGBUS, embedder, 0);
    install_handler(SIGSEGV, embedder, 0);
    const missing_page m;
    fn(m);
    return g_absorbed;
  });
}

void read_guarded(const missing_page& m) { CHILD_CHECK(*m.guarded == 0); }
void safe_read_foreign(const missing_page& m) {
  char bytes[8];
  CHILD_CHECK(nosigbus_safe_read(bytes, m.foreign - 3, sizeof bytes) == 3);
}
void safe_read_null(const missing_page&) {
  char byte;
  CHILD_CHECK(nosigbus_safe_read(&byte, g_null, 1) == 0);
}
void read_foreign(const missing_page& m) { m.read_foreign(); }
void read_null(const missing_page&) { static_cast<void>(*static_cast<volatile unsigned char*>(g_null)); }
void send_bus(const missing_page&) { raise(SIGBUS); }
void send_segv(const missing_page&) { raise(SIGSEGV); }
void queue_address(const missing_page& m) {
  sigqueue(getpid(), SIGBUS, sigval{.sival_ptr = const_cast<unsigned char*>(m.guarded)});
}

}  // namespace

TEST_CASE("First chance absorbs what is ours, with and without install") {
  for (const bool install : {false, true}) {
    CAPTURE(install);
    CHECK(embedded(install, 0, read_guarded) == exited(1));
    CHECK(embedded(install, 0, safe_read_foreign) == exited(handlers_return ? 1 : 0));
  }
  CHECK(embedded(true, NOSIGBUS_CATCH_SEGV, safe_read_null) == exited(handlers_return ? 1 : 0));
}

TEST_CASE("First chance declines what is not ours") {
  for (const bool install : {false, true}) {
    CAPTURE(install);
    CHECK(embedded(install, 0, read_foreign) == exited(not_ours));
    CHECK(embedded(install, 0, send_bus) == exited(not_ours));
    CHECK(embedded(install, 0, send_segv) == exited(not_ours));
    CHECK(embedded(install, 0, queue_address) == exited(not_ours));
    CHECK(embedded(install, 0, safe_read_null) == exited(not_ours));
    CHECK(embedded(install, 0, read_null) == exited(not_ours));
  }
  CHECK(embedded(true, NOSIGBUS_CATCH_SEGV, read_null) == exited(not_ours));
  CHECK(embedded(true, NOSIGBUS_CATCH_SEGV, send_segv) == exited(not_ours));
}

TEST_CASE("First chance declines missing arguments and other signals") {
  siginfo_t info{};
  ucontext_t context{};
  info.si_code = BUS_ADRERR;
  CHECK(nosigbus_handle_signal(SIGBUS, nullptr, &context) == 0);
  CHECK(nosigbus_handle_signal(SIGBUS, &info, nullptr) == 0);
  CHECK(nosigbus_handle_signal(SIGBUS, nullptr, nullptr) == 0);
  for (const int signo : {0, -1, SIGFPE, SIGILL, SIGUSR1, 65}) {
    CHECK(nosigbus_handle_signal(signo, &info, &context) == 0);
  }
}

namespace {

struct nosigbus_stats stats() {
  struct nosigbus_stats now {};
  CHILD_CHECK(nosigbus_stats(&now, sizeof now) == 0);
  return now;
}

std::atomic<int> g_calls{0};
void count(int, siginfo_t*, void*) { ++g_calls; }

int count_everything() {
  install_handler(SIGBUS, count, 0);
  CHILD_CHECK(nosigbus_install(0) == 0);
  const struct nosigbus_stats before = stats();
  missing_page m;
  CHILD_CHECK(stats().regions == before.regions + 1);
  CHILD_CHECK(stats().absorbed == before.absorbed);
  read_guarded(m);
  struct nosigbus_stats now = stats();
  CHILD_CHECK(now.absorbed_by_region == before.absorbed_by_region + 1);
  CHILD_CHECK(now.overlays == before.overlays + 1);
  CHILD_CHECK(now.absorbed_by_operation == before.absorbed_by_operation);
  read_guarded(m);  // by now no fault
  for (int i = 0; i < 3; ++i) safe_read_foreign(m);
  for (int i = 0; i < 5; ++i) raise(SIGBUS);
  now = stats();
  CHILD_CHECK(now.absorbed_by_region == before.absorbed_by_region + 1);
  CHILD_CHECK(now.overlays == before.overlays + 1);
  CHILD_CHECK(now.absorbed_by_operation == before.absorbed_by_operation + 3);
  CHILD_CHECK(now.absorbed == before.absorbed + 4);
  CHILD_CHECK(now.chained == before.chained + 5 && g_calls == 5);
  CHILD_CHECK(nosigbus_region_release(m.region) == 0);
  CHILD_CHECK(stats().regions == before.regions);
  CHILD_CHECK(stats().absorbed == now.absorbed);
  return 0;
}

}  // namespace

TEST_CASE("stats counts faults that were absorbed, overlays, signals that were passed on, and regions") {
  CHECK(in_child(count_everything) == exited(0));
}

TEST_CASE("stats writes the first `size` bytes, and zeros where a caller knows more") {
  CHECK(in_child([] {
          signal(SIGBUS, SIG_DFL);
          CHILD_CHECK(nosigbus_install(0) == 0);
          const missing_page m;
          for (int i = 0; i < 3; ++i) safe_read_foreign(m);
          const struct nosigbus_stats exact = stats();
          CHILD_CHECK(exact.absorbed == 3 && exact.regions == 1);
          alignas(struct nosigbus_stats) unsigned char bytes[2 * sizeof exact];
          auto* const out = reinterpret_cast<struct nosigbus_stats*>(bytes);
          for (size_t size = 1; size < sizeof bytes; ++size) {
            memset(bytes, 0xee, sizeof bytes);
            CHILD_CHECK(nosigbus_stats(out, size) == 0);
            const auto* const whole = reinterpret_cast<const unsigned char*>(&exact);
            for (size_t i = 0; i < sizeof bytes; ++i) {
              const unsigned char inside = i < sizeof exact ? whole[i] : 0;
              CHILD_CHECK(bytes[i] == (i < size ? inside : 0xee));
            }
          }
          return 0;
        }) == exited(0));
  struct nosigbus_stats unused;
  CHECK(nosigbus_stats(nullptr, sizeof unused) == -EINVAL);
  CHECK(nosigbus_stats(nullptr, 0) == -EINVAL);
  CHECK(nosigbus_stats(&unused, 0) == -EINVAL);
}

namespace {

// What a forked child expects of a handler that its parent installed.
int use_everything(const missing_page& inherited) {
  CHILD_CHECK(nosigbus_check() == 0);
  read_guarded(inherited);
  safe_read_foreign(inherited);
  const missing_page own;
  read_guarded(own);
  CHILD_CHECK(nosigbus_install(NOSIGBUS_CATCH_SEGV) == 0);
  safe_read_null(own);
  CHILD_CHECK(nosigbus_rearm() == 0);
  CHILD_CHECK(nosigbus_region_release(own.region) == 0);
  return 0;
}

}  // namespace

TEST_CASE("A forked child has a working handler, and dies of what is not ours") {
  CHECK(in_child([] {
          signal(SIGBUS, SIG_DFL);
          CHILD_CHECK(nosigbus_install(0) == 0);
          const missing_page m;
          CHILD_CHECK(in_child([&] { return use_everything(m); }) == exited(0));
          CHILD_CHECK(in_child([&] {
                        m.read_foreign();
                        return 0;
                      }) == killed_by(SIGBUS));
          read_guarded(m);  // the parent as before
          return 0;
        }) == exited(0));
}

TEST_CASE("fork while other threads fault, and install and map") {
  CHECK(in_child([] {
          signal(SIGBUS, SIG_DFL);
          CHILD_CHECK(nosigbus_install(0) == 0);
          const missing_page m;
          std::atomic<bool> stop{false};
          std::vector<std::thread> threads;
          for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&] {
              while (!stop) {
                missing_page mine;
                read_guarded(mine);
                safe_read_foreign(mine);
                CHILD_CHECK(nosigbus_install(0) == 0);
                CHILD_CHECK(nosigbus_rearm() == 0);
                CHILD_CHECK(nosigbus_region_release(mine.region) == 0);
                munmap(mine.foreign - page_size(), 2 * page_size());
              }
            });
          }
          for (int i = 0; i < 100; ++i) CHILD_CHECK(in_child([&] { return use_everything(m); }) == exited(0));
          stop = true;
          for (std::thread& t : threads) t.join();
          return 0;
        }) == exited(0));
}
