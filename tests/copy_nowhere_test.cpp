// SPDX-License-Identifier: MIT
//
// Guarded copies from and to addresses that no page can have.
#include <doctest/doctest.h>
#include <nosigbus/copy.h>
#include <src/shared/port.h>

#include "support/child.h"
#include "support/entry.h"

using namespace test;

namespace {

void* const nowhere = reinterpret_cast<void*>(uintptr_t{0xdead} << 48);

// Whether the kernel gives the address of a fault there.
bool fault_is_named(void* address) {
  return in_child([address] {
           struct sigaction action {};
           action.sa_sigaction = [](int, siginfo_t* info, void*) { _exit(info->si_addr == nowhere ? 0 : 1); };
           action.sa_flags = SA_SIGINFO;
           sigaction(SIGSEGV, &action, nullptr);
           return static_cast<int>(*static_cast<volatile unsigned char*>(address));
         }) == exited(0);
}

}  // namespace

TEST_CASE("non-canonical addresses are bad from the first byte") {
  if (!nosigbus::arch::has_extable && !fault_is_named(nowhere)) {
    MESSAGE("skipped: operations are found by the address, and this fault comes without");
    return;
  }
  for (const entry how : entries) {
    CHECK(in_child([how] {
            enter_by(how, NOSIGBUS_CATCH_SEGV);
            unsigned char buffer[300];
            for (const size_t n : {1, 8, 40, 100, 300}) {
              CHILD_CHECK(nosigbus_safe_read(buffer, nowhere, n) == 0);
              CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_UNMAPPED);
              CHILD_CHECK(nosigbus_last_fault()->address == reinterpret_cast<uintptr_t>(nowhere));
              CHILD_CHECK(nosigbus_safe_write(nowhere, buffer, n) == 0);
              CHILD_CHECK(nosigbus_safe_copy(buffer, nowhere, n) == 0);
              CHILD_CHECK(nosigbus_safe_copy(nowhere, buffer, n) == 0);
            }
            return 0;
          }) == exited(0));
  }
}
