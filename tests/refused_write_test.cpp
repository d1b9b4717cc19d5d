// SPDX-License-Identifier: MIT
//
// A write that the kernel refuses (SIGSEGV) in a region: in an overlay, or in what was one a moment ago, it
// was a missing page to which the write went; anywhere else it is the program's own mistake.
#include <nosigbus/copy.h>

#include "support/each_entry.h"
#include "support/fault_context.h"
#include "support/no_qemu.h"
#include "support/region_fixture.h"

using namespace test;

namespace {

const size_t page = page_size();
constexpr size_t pages = 4, bad = 1;

// Of which the second page was lost by the hardware, or so it was told. It reads as zeros.
nosigbus::region damaged_region(const shared_file& file) {
  nosigbus::region region =
      make_region(origin::mapped, file, pages * page, PROT_READ | PROT_WRITE, NOSIGBUS_ABSORB_POISON);
  static const uint32_t instruction = 0;
  ucontext_t context = fault_context(machine_event::read, reinterpret_cast<uintptr_t>(&instruction));
  siginfo_t info{};
  info.si_signo = SIGBUS;
  info.si_code = BUS_MCEERR_AR;
  info.si_addr = static_cast<unsigned char*>(region.data()) + bad * page;
  CHILD_CHECK(nosigbus_handle_signal(SIGBUS, &info, &context) == 1);
  CHILD_CHECK(is_zero(region, bad * page, (bad + 1) * page));
  return region;
}

size_t write_to_page(const nosigbus::region& region, size_t n) {
  const unsigned char byte = 9;
  return nosigbus_safe_write(static_cast<unsigned char*>(region.data()) + n * page, &byte, 1);
}

void protect_page(const nosigbus::region& region, size_t n) {
  CHILD_CHECK(mprotect(static_cast<unsigned char*>(region.data()) + n * page, page, PROT_READ) == 0);
}

// A handler of the program's, which asks when the page has become writable.
int g_answer = -1;
void permit_and_ask(int signo, siginfo_t* info, void* ucontext) {
  void* const at = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(info->si_addr) & ~(page - 1));
  CHILD_CHECK(mprotect(at, page, PROT_READ | PROT_WRITE) == 0);
  g_answer = nosigbus_handle_signal(signo, info, ucontext);
}

}  // namespace

TEST_CASE("a guarded write to an overlay stops and tells why" NO_QEMU("no page can be asked about")) {
  in_each_entry(exited(0), [] {
    const shared_file file(pages * page);
    const nosigbus::region region = damaged_region(file);
    CHILD_CHECK(write_to_page(region, bad) == 0);
    CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_POISON);
    CHILD_CHECK(nosigbus_last_fault()->access == NOSIGBUS_WRITE);
    for (const size_t n : {bad - 1, bad + 1}) CHILD_CHECK(write_to_page(region, n) == 1);
  });
}

TEST_CASE(
    "a guarded write to what the program has protected kills in front of an overlay and behind it" NO_QEMU(
        "no page can be asked about")) {
  for (const size_t n : {bad - 1, bad + 1}) {
    CAPTURE(n);
    in_each_entry(killed_by(SIGSEGV), [n] {
      const shared_file file(pages * page);
      const nosigbus::region region = damaged_region(file);
      protect_page(region, n);
      write_to_page(region, n);
    });
  }
}

TEST_CASE("a guarded write to what is healed and protected kills" NO_QEMU("no page can be asked about")) {
  for (const bool is_protected : {false, true}) {
    CAPTURE(is_protected);
    in_each_entry(is_protected ? killed_by(SIGSEGV) : exited(0), [is_protected] {
      const shared_file file(pages * page);
      nosigbus::region region = damaged_region(file);
      CHILD_CHECK(region.refresh() == 1);
      if (is_protected) protect_page(region, bad);
      CHILD_CHECK(write_to_page(region, bad) == 1);
    });
  }
}

// As where another thread has healed it between the write and the handler's look.
TEST_CASE("a guarded write to what has just been healed stops and one beside it does not" NO_QEMU(
    "no page can be asked about")) {
  for (const size_t n : {bad - 1, bad, bad + 1}) {
    CAPTURE(n);
    in_each_entry(exited(0), [n] {
      const shared_file file(pages * page);
      nosigbus::region region = damaged_region(file);
      CHILD_CHECK(region.refresh() == 1);
      struct sigaction action {};
      action.sa_sigaction = permit_and_ask;
      action.sa_flags = SA_SIGINFO;
      CHILD_CHECK(sigaction(SIGSEGV, &action, nullptr) == 0);
      protect_page(region, n);
      CHILD_CHECK(write_to_page(region, n) == (n == bad ? 0 : 1));
      const int absorbed = handlers_return ? 1 : -1;  // or nothing is answered
      CHILD_CHECK(g_answer == (n == bad ? absorbed : 0));
      if (n == bad) CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_POISON);
    });
  }
}
