// SPDX-License-Identifier: MIT
//
// Fibers that stop in whatever code, wherever their host is; and what the host lets become of them.
#include <sys/mman.h>

#include <cerrno>
#include <functional>
#include <nosigbus/fiber.hpp>
#include <nosigbus/nosigbus.hpp>
#include <string>
#include <thread>

#include "support/each_entry.h"
#include "support/no_tsan.h"
#include "support/on_stack.h"
#include "support/readers.h"

using namespace test;

namespace {

const reader own_readers[] = {
    {"own code", [](const bad_memory& m) { deep(m.bad(), 0); }},
    {"deep calls", [](const bad_memory& m) { deep(m.bad(), 200); }},
};

// Guards in the fiber, which do not cover what it meets.
void nested(int depth, const std::function<void()>& inner) {
  static unsigned char g_elsewhere;
  if (depth == 0) return inner();
  CHILD_CHECK(nosigbus::guard([&] { nested(depth - 1, inner); }, &g_elsewhere, 1));
}

enum class way_on { fill, retry, abandon };
constexpr way_on ways_on[] = {way_on::fill, way_on::retry, way_on::abandon};

void expect_stopped(const reader& way, bool segv, int depth, way_on on) {
  const bad_memory memory = way.make(segv);
  bool ended = false;
  nosigbus::fiber f(
      [&] {
        nested(depth, [&] { way.read(memory); });
        ended = true;
      },
      {memory.begin, memory.size()});
  auto stop = f.resume();
  CHILD_CHECK(stop.faulted() && !ended);
  CHILD_CHECK(stop.fault().signo == memory.signo && memory.holds(stop.fault().address));
  if (on == way_on::abandon) {
    CHILD_CHECK(f.abandon().abandoned());
  } else if (on == way_on::fill && segv) {
    CHILD_CHECK(f.fill().error() == -ENOTSUP);
  } else if (on == way_on::fill) {
    for (int n = 0; stop.faulted(); ++n) {
      CHILD_CHECK(n < 3);
      stop = f.fill();
    }
    CHILD_CHECK(stop.finished() && ended);
  } else {
    // Not the file's bytes, but some.
    if (segv) {
      CHILD_CHECK(mprotect(memory.begin, memory.size(), PROT_READ) == 0);
    } else {
      CHILD_CHECK(mmap(memory.bad(), 3 * page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                       0) == memory.bad());
    }
    CHILD_CHECK(f.retry().finished() && ended);
  }
  munmap(memory.begin, memory.size());
}

}  // namespace

TEST_CASE(
    "code x place x nesting x signal: each fiber stops, and goes on" NO_TSAN("does not know of the stacks")) {
  for (const reader& way : with_others(own_readers)) {
    for (const bool segv : {false, true}) {
      CAPTURE(std::string(way.name));
      CAPTURE(segv);
      in_each_entry(
          exited(0),
          [&] {
            nosigbus_install(segv ? NOSIGBUS_CATCH_SEGV : 0);
            for (int depth = 0; depth < 5; ++depth) {
              for (const way_on on : ways_on) {
                const auto work = [&] { expect_stopped(way, segv, depth, on); };
                work();
                std::thread(work).join();
                with_alternate_stack(work);
                on_own_stack_in_handler(work);
                // A host that is a fiber itself.
                nosigbus::fiber host(work);
                CHILD_CHECK(host.resume().finished());
              }
            }
            // A host there has no stack to be put aside: fiber_limits_test.cpp.
            on_alternate_stack([] { CHILD_CHECK(nosigbus::fiber([] {}).resume().error() == -EPERM); });
            CHILD_CHECK(nosigbus::stats().absorbed_by_guard >= 5 * 5 * 3);
          },
          20, entries_of_stacks);
    }
  }
}
