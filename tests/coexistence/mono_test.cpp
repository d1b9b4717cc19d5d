// SPDX-License-Identifier: MIT
//
// Mono, which has handlers for both signals: of a null pointer it makes an exception, of other faults a
// report.
#include <doctest/doctest.h>
#include <signal.h>

#include "embedders/runner.h"
#include "long.h"

namespace {

using namespace embedders;
using test::exited;
using test::killed_by;

// Where the report's file cannot be written.
const program g_mono =
    program(COEXISTENCE_MONO).with("LD_LIBRARY_PATH=" COEXISTENCE_LIBRARIES).below({"env", "-C", "/proc"});
// It takes SIGBUS for SIGSEGV.
const ending g_crash{killed_by(SIGABRT), "Got a SIGSEGV while executing native code"};

}  // namespace

TEST_CASE("Mono: the runtime has both signals before main" LONG) {
  CHECK(g_mono.run("none", "owner") ==
        ending{exited(0), "SIGBUS: handler siginfo\nSIGSEGV: handler siginfo onstack\n"});
}

TEST_CASE("Mono: faults are absorbed" LONG) {
  for (const char* const what : {"region", "region-thread", "safe-read", "guard"})
    check_absorbed(g_mono, what, g_crash);
  // Without nosigbus, the readers that are left would go on for ever.
  for (const std::string& mode : protections) CHECK(g_mono.run(mode, "race") == well);
  note_absorbed("race");
}

TEST_CASE("Mono: faults that are not ours are reported" LONG) {
  for (const char* const what : {"foreign", "foreign-native", "sent"}) check_handed_on(g_mono, what, g_crash);
}

TEST_CASE("Mono: exceptions that the runtime makes of signals are thrown" LONG) {
  check_unchanged(g_mono, "null", {exited(0), "NullReferenceException\n"});
  check_unchanged(g_mono, "null-thread", {exited(0), "NullReferenceException\n"});
  check_unchanged(g_mono, "recursion", {exited(0), "StackOverflowException\n"});
  check_unchanged(g_mono, "divide", {exited(0), "DivideByZeroException\n"});
}

TEST_CASE("Mono: check and rearm" LONG) { check_place(g_mono); }
