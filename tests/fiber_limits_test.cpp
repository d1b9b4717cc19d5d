// SPDX-License-Identifier: MIT
//
// What stops no fiber, and what a host cannot do.
#include <sys/mman.h>
#include <nosigbus/fiber.hpp>

#include <cerrno>
#include <nosigbus/nosigbus.hpp>

#include "support/each_entry.h"
#include "support/fiber_memory.h"
#include "support/no_tsan.h"
#include "support/on_stack.h"

using namespace test;

namespace {

const size_t page = page_size();

}  // namespace

TEST_CASE("what a fiber does not cover kills as ever" NO_TSAN("does not know of the stacks")) {
  in_each_entry(killed_by(SIGBUS), [] {
    memory a, b;
    nosigbus::fiber f([&] { sum_deep(a, page, 2); }, {b.begin, b.size()});
    f.resume().error();
  });
  in_each_entry(killed_by(SIGBUS), [] {
    memory a;
    nosigbus::fiber f([&] { sum_deep(a, page, 2); });
    f.resume().error();
    a.at(page);  // the host's
  });
  // A guard of the host does not reach into the fiber.
  in_each_entry(killed_by(SIGBUS), [] {
    memory a, b;
    nosigbus::fiber f([&] { sum_deep(a, page, 2); }, {b.begin, b.size()});
    nosigbus::guard([&] { f.resume().error(); }).error();
  });
  in_each_entry(killed_by(SIGSEGV), [] {
    nosigbus_install(NOSIGBUS_CATCH_SEGV);
    // Its own stack overflows.
    memory m;
    nosigbus::fiber f([&] { sum_deep(m, 0, 10000000); });
    f.resume().error();
  });
}

TEST_CASE("SIGSEGV, opted in: stopped, not filled, and repaired by the host" NO_TSAN(
    "does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    nosigbus_install(NOSIGBUS_CATCH_SEGV);
    memory m(4);
    void* const gone = const_cast<unsigned char*>(m.begin + page);
    mprotect(gone, page, PROT_NONE);
    unsigned char seen = 0xff;
    nosigbus::fiber f([&] { seen = m.at(page); });
    auto stop = f.resume();
    CHILD_CHECK(stop.faulted() && stop.fault().cause == NOSIGBUS_PROTECTED);
    CHILD_CHECK(f.fill().error() == -ENOTSUP);
    CHILD_CHECK(mprotect(gone, page, PROT_READ) == 0);
    CHILD_CHECK(f.retry().finished());
    CHILD_CHECK(seen == pattern(page));
  });
}

TEST_CASE("misuse is told" NO_TSAN("does not know of the stacks")) {
  in_each_entry(exited(0), [] {
    memory m;
    nosigbus::fiber* inner = nullptr;
    nosigbus::fiber f([&] {
      CHILD_CHECK(inner->resume().error() == -EBUSY);
      CHILD_CHECK(inner->abandon().error() == -EBUSY);
      (void)m.at(page);
    });
    inner = &f;
    on_alternate_stack([&] { CHILD_CHECK(f.resume().error() == -EPERM); });
    CHILD_CHECK(f.resume().faulted());
    on_alternate_stack([&] { CHILD_CHECK(f.fill().error() == -EPERM); });
    on_own_stack_in_handler([&] { CHILD_CHECK(f.fill().finished()); });
  });
}
