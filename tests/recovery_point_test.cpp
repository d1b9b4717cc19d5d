// SPDX-License-Identifier: MIT
//
// Recovery points of others than guards and fibers (<nosigbus/recovery.h>).
#include <nosigbus/inline.h>
#include <nosigbus/recovery.h>
#include <nosigbus/runtime.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <atomic>
#include <cstring>

#include "support/child.h"
#include "support/fault_context.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"
#include "support/sampling.h"
#include "support/shared_file.h"
#include "support/signal_mask.h"

using namespace test;

namespace {

const size_t page = page_size();

constexpr uint64_t bit(int signo) { return uint64_t{1} << (signo - 1); }
constexpr uint64_t all_that_can_be_blocked = ~(bit(SIGKILL) | bit(SIGSTOP));

volatile uint64_t g_mask_in_recover, g_mask_in_previous;
unsigned char* g_bad;

void supply_page() { mmap(g_bad, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); }

int resume(nosigbus_recovery_point* point, void*) {
  g_mask_in_recover = signal_mask();
  CHILD_CHECK(point->fault.cause == NOSIGBUS_MISSING);
  CHILD_CHECK(point->fault.address == reinterpret_cast<uintptr_t>(g_bad));
  supply_page();
  return NOSIGBUS_RESUME;
}
int decline(nosigbus_recovery_point*, void*) {
  g_mask_in_recover = signal_mask();
  return NOSIGBUS_DECLINE;
}
void previous_handler(int, siginfo_t*, void*) {
  g_mask_in_previous = signal_mask();
  supply_page();
}

// In front of a handler that wants to be interrupted, so ours is interrupted too. Returns the point's fault,
// as it is when the access is done.
nosigbus_fault read_bad_byte(int (*recover)(nosigbus_recovery_point*, void*)) {
  struct sigaction previous {};
  previous.sa_sigaction = previous_handler;
  previous.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &previous, nullptr);
  CHILD_CHECK(nosigbus_install(0) == 0);

  shared_file file(page);
  g_bad = file.map(page);
  file.resize(0);
  nosigbus_recovery_point point{};
  point.recover = recover;
  nosigbus_recovery_begin(&point);
  CHILD_CHECK(*const_cast<volatile unsigned char*>(g_bad) == 0);
  nosigbus_recovery_end(&point);
  CHILD_CHECK(signal_mask() == 0);
  return point.fault;
}

}  // namespace

// Else the handler of another signal, with a fault of its own, could put that in the point before it is read.
TEST_CASE("a point is asked with all signals blocked" NO_TSAN("its handler has its own")
              NO_QEMU("it has signals of its own")) {
  CHECK(in_child([] {
          CHILD_CHECK(read_bad_byte(resume).cause == NOSIGBUS_MISSING);
          CHILD_CHECK(g_mask_in_recover == all_that_can_be_blocked);
          return 0;
        }) == exited(0));
}

namespace {

std::atomic<int> g_interruptions{0};
const uint8_t* volatile g_nowhere = nullptr;

int resume_code_alone(nosigbus_recovery_point* point, void*) {
  CHILD_CHECK((point->of_load != 0) == (point->fault.signo == SIGSEGV));
  if (point->of_load != 0) return NOSIGBUS_DECLINE;
  supply_page();
  return NOSIGBUS_RESUME;
}

void load_from_nowhere(int) {
  uint8_t byte = 0;
  CHILD_CHECK(nosigbus_safe_load8(g_nowhere, &byte) == -EFAULT);
  ++g_interruptions;
}

}  // namespace

TEST_CASE("a point is asked about its fault also where a handler's guarded load was in between" NO_TSAN(
    "signals wait there")) {
  CHECK(in_child(
            [] {
              struct sigaction previous {};
              previous.sa_handler = SIG_DFL;
              sigaction(SIGSEGV, &previous, nullptr);
              previous.sa_sigaction = previous_handler;
              previous.sa_flags = SA_SIGINFO;
              sigaction(SIGBUS, &previous, nullptr);
              CHILD_CHECK(nosigbus_install(NOSIGBUS_CATCH_SEGV) == 0);
              signal(SIGALRM, load_from_nowhere);

              shared_file file(page);
              g_bad = file.map(page);
              file.resize(0);
              nosigbus_recovery_point point{};
              point.recover = resume_code_alone;
              point.wants = NOSIGBUS_WANTS_LOADS;
              nosigbus_recovery_begin(&point);
              // One at a time: where faults are slow, a timer that goes on would leave time for nothing.
              const itimerval soon{{0, 0}, {0, 20}};
              for (int due = 0; due < static_cast<int>(20000 / sampling());) {
                setitimer(ITIMER_REAL, &soon, nullptr);
                while (g_interruptions == due) {
                  CHILD_CHECK(*const_cast<volatile unsigned char*>(g_bad) == 0);
                  CHILD_CHECK(mmap(g_bad, page, PROT_READ, MAP_SHARED | MAP_FIXED, file.fd(), 0) == g_bad);
                }
                due = g_interruptions;
              }
              nosigbus_recovery_end(&point);
              return 0;
            },
            60) == exited(0));
}

TEST_CASE("a point that declines leaves the previous handler its mask" NO_TSAN("its handler has its own")
              NO_QEMU("it has signals of its own")) {
  CHECK(in_child([] {
          CHILD_CHECK(read_bad_byte(decline).cause == NOSIGBUS_NONE);
          CHILD_CHECK(g_mask_in_recover == all_that_can_be_blocked);
          CHILD_CHECK(g_mask_in_previous == bit(SIGBUS));
          return 0;
        }) == exited(0));
}

namespace {

jmp_buf g_back;
nosigbus_fault g_raised;

int raise_it(nosigbus_recovery_point*, void*) { return NOSIGBUS_RAISE; }
void leave(const nosigbus_fault* fault) {
  g_raised = *fault;
  longjmp(g_back, 1);
}

}  // namespace

// As nosigbus::throwing_guard has it throw, which takes a compiler whose instructions can.
TEST_CASE("a point that raises has its function called where the fault was and that may leave") {
  CHECK(in_child([] {
          CHILD_CHECK(nosigbus_install(0) == 0);
          shared_file file(page);
          unsigned char* const bad = file.map(page);
          file.resize(0);
          for (int round = 0; round < 3; ++round) {
            nosigbus_recovery_point point{};
            point.recover = raise_it;
            point.raise = leave;
            nosigbus_recovery_begin(&point);
            if (setjmp(g_back) == 0) {
              (void)*const_cast<volatile unsigned char*>(bad + 5);
              CHILD_CHECK(false);
            }
            nosigbus_recovery_end(&point);
            CHILD_CHECK(g_raised.cause == NOSIGBUS_MISSING);
            CHILD_CHECK(g_raised.address == reinterpret_cast<uintptr_t>(bad) + 5);
            CHILD_CHECK(signal_mask() == 0);
          }
          return 0;
        }) == (handlers_return ? exited(0) : killed_by(SIGBUS)));
}
