// SPDX-License-Identifier: MIT
//
// Handlers of SIGSEGV, as libsigsegv has them: with the adapter, and with libsigsegv (areas.h).

#include <doctest/doctest.h>
#include <setjmp.h>
#include <nosigbus/nosigbus.hpp>

#include <vector>

#include "areas.h"
#include "support/signal_mask.h"

using namespace adapters;
using test::exited;
using test::in_child;
using test::killed_by;
using test::outcome;

namespace {

// What the process's handler was asked.
std::vector<int> g_asked;
int g_answer_at;
unsigned char* g_memory;
int answer(void* address, int serious) {
  if (address != g_memory + 5) _exit(98);
  g_asked.push_back(serious);
  errno = EIO;
  return serious == g_answer_at && mprotect(g_memory, page, PROT_READ | PROT_WRITE) == 0;
}

}  // namespace

TEST_CASE("each area has its own handler") {
  CHECK(in_child([] {
          start();
          area one(4), other(2);
          for (size_t i = 0; i < 4 * page; ++i) poke(one.bytes + i, 1);
          CHILD_CHECK(one.supplied == 4 && other.supplied == 0);
          CHILD_CHECK(peek(other.bytes) == 0 && peek(other.bytes + 2 * page - 1) == 0);
          CHILD_CHECK(other.supplied == 2);
          return 0;
        }) == exited(0));
}

TEST_CASE("the handler of the process is asked twice") {
  for (const int when : {0, 1}) {
    CAPTURE(when);
    CHECK(in_child([=] {
            g_answer_at = when;
            g_memory = forbidden();
            g_asked.reserve(4);
            CHILD_CHECK(sigsegv_install_handler(answer) == 0);
            errno = 77;
            poke(g_memory + 5, 1);
            CHILD_CHECK(errno == expected(77, EIO));
            CHILD_CHECK(g_asked == (when == 0 ? std::vector{0} : std::vector{0, 1}));
            return 0;
          }) == exited(0));
  }
}

TEST_CASE("a handler is left by way of a continuation") {
  CHECK(in_child([] {
          static sigjmp_buf way_out;
          static int rounds = 0;
          const uint64_t mask = test::signal_mask();
          const auto leave = [](void*, int) {
            return sigsegv_leave_handler(
                [](void* to, void*, void*) { siglongjmp(*static_cast<sigjmp_buf*>(to), 1); }, &way_out,
                nullptr, nullptr);
          };
          CHILD_CHECK(sigsegv_install_handler(leave) == 0);
          unsigned char* const memory = forbidden();
          if (sigsetjmp(way_out, 1) != 0) ++rounds;
          CHILD_CHECK(test::signal_mask() == mask);
          if (rounds < 100) poke(memory, 1);
          return rounds == 100 ? 0 : wrong;
        }) == exited(0));
}

TEST_CASE("what no handler takes is what it was before") {
  for (const bool had_handler : {false, true}) {
    CAPTURE(had_handler);
    const before us{had_handler, SIGSEGV};
    // The original calls signal(SIGSEGV, SIG_DFL).
    const outcome foreign = expected(us.reached(), killed_by(SIGSEGV));
    const auto with = [=](int (*scenario)()) {
      return us.run([=] {
        start();
        return scenario();
      });
    };
    CHECK(with([] {
            const area other(1);
            return int{peek(forbidden())};
          }) == foreign);
    CHECK(with([] {
            const area gone(1);
            sigsegv_unregister(&g_areas, gone.ticket);
            return int{peek(gone.bytes)};
          }) == foreign);
    CHECK(with([] {
            const area gone(1);
            sigsegv_deinstall_handler();
            return int{peek(gone.bytes)};
          }) == foreign);
    // The original asks its handlers, which know no such address, and is without them from then on.
    CHECK(with([] { return raise(SIGSEGV); }) == expected(us.reached(), exited(0)));
    CHECK(with([] {
            sigsegv_install_handler([](void*, int) { return 1; });
            return raise(SIGSEGV);
          }) == expected(us.reached(), exited(0)));
  }
}

// Handlers of the original stay in place when one is installed again, or taken out and installed again.
TEST_CASE("handlers are exchanged and come back") {
  CHECK(in_child([] {
          start();
          CHILD_CHECK(sigsegv_install_handler(answer) == 0);
          g_memory = forbidden();
          g_asked.reserve(4);
          poke(g_memory + 5, 1);
          sigsegv_deinstall_handler();
          struct sigaction now;
          CHILD_CHECK(sigaction(SIGSEGV, nullptr, &now) == 0 && now.sa_handler == SIG_DFL);
          start();
          const area again(1);
          return int{peek(again.bytes)};
        }) == exited(0));
}

TEST_CASE("two threads fault in areas at once") {
  CHECK(in_child([] {
          start();
          area shared(2000);
          const auto touch = [&](size_t byte) {
            for (size_t i = 0; i < shared.pages; ++i) poke(shared.bytes + i * page + byte, 1);
          };
          std::thread one(touch, 0), other(touch, 1);
          one.join();
          other.join();
          return shared.supplied >= shared.pages ? 0 : wrong;
        }) == exited(0));
}

// A file that is cut off raises SIGBUS, which libsigsegv leaves alone on Linux.
TEST_CASE("a mapped file beside areas may be cut off") {
  const auto read_cut_off = [] {
    start();
    area other(1);
    test::shared_file file(2 * page);
#ifdef ADAPTERS_TEST_ORIGINAL
    unsigned char* const bytes = map_writable(file, 2 * page);
#else
    auto region = nosigbus::region::map(file.fd(), 0, 2 * page, PROT_READ);
    CHILD_CHECK(region);
    unsigned char* const bytes = static_cast<unsigned char*>(region->data());
#endif
    file.resize(page);
    CHILD_CHECK(peek(bytes) == test::pattern(0));
    CHILD_CHECK(peek(bytes + page) == 0);
    CHILD_CHECK(peek(other.bytes) == 0 && other.supplied == 1);
    return 0;
  };
  CHECK(in_child(read_cut_off) == expected(exited(0), killed_by(SIGBUS)));
}

#ifndef ADAPTERS_TEST_ORIGINAL

TEST_CASE("nosigbus's handler stays where the program has installed it") {
  CHECK(in_child([] {
          CHILD_CHECK(nosigbus_install(0) == 0);
          for (int round = 0; round < 2; ++round) {
            start();
            sigsegv_deinstall_handler();
            CHILD_CHECK(nosigbus_check() == 0);
          }
          std::vector<unsigned char> copy(page);
          return nosigbus::safe_read(copy.data(), stranger(), page) == 0 ? 0 : wrong;
        }) == exited(0));
}

TEST_CASE("a guarded copy from an area asks the area first") {
  CHECK(in_child([] {
          start();
          area supplied(2);
          std::vector<unsigned char> copy(2 * page, 1);
          CHILD_CHECK(nosigbus::safe_read(copy.data(), supplied.bytes, 2 * page) == 2 * page);
          CHILD_CHECK(supplied.supplied == 2);
          CHILD_CHECK(nosigbus::safe_read(copy.data(), forbidden(), page) == 0);
          return 0;
        }) == exited(0));
}

#endif
