// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <src/inside/classify.h>

#include <cstring>
#include <string>

namespace {

constexpr size_t page = 4096;

struct row {
  const char* what;
  int signo, code;
  greg_t trap, error;
  short lsb;
  nosigbus_cause cause;
  nosigbus_access access;
  size_t granule;
};

constexpr greg_t page_fault = 14, general_protection = 13, stack_segment = 12, machine_check = 18;
constexpr greg_t user = 4, write = 2, fetch = 16;

const row rows[] = {
    {"read past end of file", SIGBUS, BUS_ADRERR, page_fault, user, 0, NOSIGBUS_MISSING, NOSIGBUS_READ, page},
    {"write past end of file", SIGBUS, BUS_ADRERR, page_fault, user | write, 0, NOSIGBUS_MISSING,
     NOSIGBUS_WRITE, page},
    {"object error", SIGBUS, BUS_OBJERR, page_fault, user, 0, NOSIGBUS_IO, NOSIGBUS_READ, page},
    {"poison, 4 KiB", SIGBUS, BUS_MCEERR_AR, page_fault, user, 12, NOSIGBUS_POISON, NOSIGBUS_READ, 4096},
    {"poison, 2 MiB", SIGBUS, BUS_MCEERR_AR, page_fault, user, 21, NOSIGBUS_POISON, NOSIGBUS_READ, 2 << 20},
    {"poison found by a machine check", SIGBUS, BUS_MCEERR_AR, machine_check, user, 12, NOSIGBUS_POISON,
     NOSIGBUS_ACCESS_UNKNOWN, 4096},
    {"poison with a senseless size", SIGBUS, BUS_MCEERR_AR, page_fault, user, 63, NOSIGBUS_POISON,
     NOSIGBUS_READ, page},
    {"non-canonical address, stack-relative", SIGBUS, SI_KERNEL, stack_segment, 0, 0, NOSIGBUS_UNMAPPED,
     NOSIGBUS_ACCESS_UNKNOWN, page},
    {"nothing mapped", SIGSEGV, SEGV_MAPERR, page_fault, user, 0, NOSIGBUS_UNMAPPED, NOSIGBUS_READ, page},
    {"not permitted", SIGSEGV, SEGV_ACCERR, page_fault, user | write, 0, NOSIGBUS_PROTECTED, NOSIGBUS_WRITE,
     page},
    {"protection key", SIGSEGV, SEGV_PKUERR, page_fault, user, 0, NOSIGBUS_PROTECTED, NOSIGBUS_READ, page},
    {"non-canonical address", SIGSEGV, SI_KERNEL, general_protection, 0, 0, NOSIGBUS_UNMAPPED,
     NOSIGBUS_ACCESS_UNKNOWN, page},
};

const row not_ours[] = {
    {"misaligned access", SIGBUS, BUS_ADRALN, 17, 0, 0, {}, {}, 0},
    {"memory error that nobody consumed", SIGBUS, BUS_MCEERR_AO, page_fault, user, 12, {}, {}, 0},
    {"instruction fetch past end of file", SIGBUS, BUS_ADRERR, page_fault, user | fetch, 0, {}, {}, 0},
    {"jump to nowhere", SIGSEGV, SEGV_MAPERR, page_fault, user | fetch, 0, {}, {}, 0},
    {"kill", SIGBUS, SI_USER, page_fault, user, 0, {}, {}, 0},
    {"sigqueue", SIGBUS, SI_QUEUE, page_fault, user, 0, {}, {}, 0},
    {"raise, pthread_kill", SIGBUS, SI_TKILL, page_fault, user, 0, {}, {}, 0},
    {"timer", SIGBUS, SI_TIMER, page_fault, user, 0, {}, {}, 0},
    {"sent SIGSEGV", SIGSEGV, SI_USER, page_fault, user, 0, {}, {}, 0},
    {"memory tagging", SIGSEGV, 9 /* SEGV_MTESERR */, page_fault, user, 0, {}, {}, 0},
    {"another signal", SIGFPE, FPE_INTDIV, 0, 0, 0, {}, {}, 0},
    {"another signal with a code of SIGBUS's", SIGILL, BUS_ADRERR, page_fault, user, 0, {}, {}, 0},
};

nosigbus_fault classified(const row& r) {
  ucontext_t context;
  memset(&context, 0, sizeof context);
  context.uc_mcontext.gregs[REG_RIP] = 0x401000;
  context.uc_mcontext.gregs[REG_TRAPNO] = r.trap;
  context.uc_mcontext.gregs[REG_ERR] = r.error;
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_signo = r.signo;
  info.si_code = r.code;
  info.si_addr = reinterpret_cast<void*>(0x7f0000001234);
  info.si_addr_lsb = r.lsb;
  return nosigbus::classify(r.signo, info, nosigbus::arch::machine_state(&context), page);
}

}  // namespace

TEST_CASE("each fault gets its cause, access and granule") {
  for (const row& r : rows) {
    CAPTURE(std::string(r.what));
    const nosigbus_fault fault = classified(r);
    CHECK(fault.cause == r.cause);
    CHECK(fault.access == r.access);
    CHECK(fault.granule == r.granule);
    CHECK(fault.address == 0x7f0000001234);
    CHECK(fault.pc == 0x401000);
    CHECK(fault.signo == r.signo);
    CHECK(fault.code == r.code);
  }
}

TEST_CASE("what is no fault of ours has no cause") {
  for (const row& r : not_ours) {
    CAPTURE(std::string(r.what));
    CHECK(classified(r).cause == NOSIGBUS_NONE);
  }
}
