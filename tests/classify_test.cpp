// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <src/inside/classify.h>

#include <cstring>
#include <string>

#include "support/fault_context.h"

namespace {

using test::machine_event;

constexpr size_t page = 4096;
constexpr uintptr_t address = 0x7f0000001234;
const uint32_t instruction = 0;  // a port may look at it
const uintptr_t pc = reinterpret_cast<uintptr_t>(&instruction);

struct row {
  const char* what;
  int signo, code;
  machine_event event;
  short lsb;
  nosigbus_cause cause;
  nosigbus_access access;
  size_t granule;
};

constexpr machine_event read = machine_event::read, write = machine_event::write,
                        fetch = machine_event::fetch, no_page = machine_event::no_page;

const row rows[] = {
    {"read past end of file", SIGBUS, BUS_ADRERR, read, 0, NOSIGBUS_MISSING, NOSIGBUS_READ, page},
    {"write past end of file", SIGBUS, BUS_ADRERR, write, 0, NOSIGBUS_MISSING, NOSIGBUS_WRITE, page},
    {"object error", SIGBUS, BUS_OBJERR, read, 0, NOSIGBUS_IO, NOSIGBUS_READ, page},
    {"poison, 4 KiB", SIGBUS, BUS_MCEERR_AR, read, 12, NOSIGBUS_POISON, NOSIGBUS_READ, 4096},
    {"poison, 2 MiB", SIGBUS, BUS_MCEERR_AR, read, 21, NOSIGBUS_POISON, NOSIGBUS_READ, 2 << 20},
    {"poison found by a machine check", SIGBUS, BUS_MCEERR_AR, no_page, 12, NOSIGBUS_POISON,
     NOSIGBUS_ACCESS_UNKNOWN, 4096},
    {"poison with a senseless size", SIGBUS, BUS_MCEERR_AR, read, 63, NOSIGBUS_POISON, NOSIGBUS_READ, page},
    {"non-canonical address, stack-relative", SIGBUS, SI_KERNEL, no_page, 0, NOSIGBUS_UNMAPPED,
     NOSIGBUS_ACCESS_UNKNOWN, page},
    {"nothing mapped", SIGSEGV, SEGV_MAPERR, read, 0, NOSIGBUS_UNMAPPED, NOSIGBUS_READ, page},
    {"not permitted", SIGSEGV, SEGV_ACCERR, write, 0, NOSIGBUS_PROTECTED, NOSIGBUS_WRITE, page},
    {"protection key", SIGSEGV, SEGV_PKUERR, read, 0, NOSIGBUS_PROTECTED, NOSIGBUS_READ, page},
    {"non-canonical address", SIGSEGV, SI_KERNEL, no_page, 0, NOSIGBUS_UNMAPPED, NOSIGBUS_ACCESS_UNKNOWN,
     page},
};

const row not_ours[] = {
    {"misaligned access", SIGBUS, BUS_ADRALN, no_page, 0, {}, {}, 0},
    {"memory error that nobody consumed", SIGBUS, BUS_MCEERR_AO, read, 12, {}, {}, 0},
    {"instruction fetch past end of file", SIGBUS, BUS_ADRERR, fetch, 0, {}, {}, 0},
    {"jump to nowhere", SIGSEGV, SEGV_MAPERR, fetch, 0, {}, {}, 0},
    {"kill", SIGBUS, SI_USER, read, 0, {}, {}, 0},
    {"sigqueue", SIGBUS, SI_QUEUE, read, 0, {}, {}, 0},
    {"raise, pthread_kill", SIGBUS, SI_TKILL, read, 0, {}, {}, 0},
    {"timer", SIGBUS, SI_TIMER, read, 0, {}, {}, 0},
    {"sent SIGSEGV", SIGSEGV, SI_USER, read, 0, {}, {}, 0},
    {"memory tagging", SIGSEGV, 9 /* SEGV_MTESERR */, read, 0, {}, {}, 0},
    {"another signal", SIGFPE, FPE_INTDIV, no_page, 0, {}, {}, 0},
    {"another signal with a code of SIGBUS's", SIGILL, BUS_ADRERR, read, 0, {}, {}, 0},
};

nosigbus_fault classified(const row& r) {
  ucontext_t context = test::fault_context(r.event, pc);
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_signo = r.signo;
  info.si_code = r.code;
  info.si_addr = reinterpret_cast<void*>(address);
  info.si_addr_lsb = r.lsb;
  return nosigbus::classify(r.signo, info, nosigbus::arch::machine_state(&context), page);
}

}  // namespace

TEST_CASE("each fault gets its cause, access and granule") {
  for (const row& r : rows) {
    CAPTURE(std::string(r.what));
    const nosigbus_fault fault = classified(r);
    CHECK(fault.cause == r.cause);
    CHECK(fault.access == (test::contexts_tell ? r.access : NOSIGBUS_ACCESS_UNKNOWN));
    CHECK(fault.granule == r.granule);
    CHECK(fault.address == address);
    CHECK(fault.pc == (test::contexts_tell ? pc : 0));
    CHECK(fault.signo == r.signo);
    CHECK(fault.code == r.code);
  }
}

TEST_CASE("what is no fault of ours has no cause") {
  for (const row& r : not_ours) {
    CAPTURE(std::string(r.what));
    if (r.event == fetch && !test::contexts_tell) continue;
    CHECK(classified(r).cause == NOSIGBUS_NONE);
  }
}
