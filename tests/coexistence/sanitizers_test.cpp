// SPDX-License-Identifier: MIT
//
// Programs below clang's sanitizers, which have handlers of their own for both signals: with nosigbus in
// front of them, and what they report as ever.
#include <doctest/doctest.h>
#include <signal.h>

#include "embedders/runner.h"

namespace {

using namespace embedders;
using test::exited;
using test::killed_by;

const ending g_displaced{exited(0), "check: 16\n"};

struct sanitizer {
  const char* options;  // the variable with its options
  const char* name;     // in its reports
  int status;           // with which it ends the process
  program subject;

  sanitizer(const char* variable, const char* in_reports, int exit_status, const char* command)
      : options(variable), name(in_reports), status(exit_status), subject(with("symbolize=0", command)) {}

  // Shadow memory wants fixed addresses, of which much randomisation takes some.
  program with(const std::string& option, const char* command) const {
    const program plain = program(command).with(std::string(options) + "=" + option);
    return COEXISTENCE_SETARCH[0] == 0 ? plain : plain.below({COEXISTENCE_SETARCH, "-R"});
  }
  ending reports(const std::string& what) const { return {exited(status), name + (": " + what)}; }
};

void check_absorbed_beside(const sanitizer& it) {
  const ending bus = it.reports("BUS on unknown address");
  for (const char* const what : {"region", "race", "safe-read", "guard"})
    check_absorbed(it.subject, what, bus);
}

void check_sanitizer(const sanitizer& it) {
  check_absorbed_beside(it);
  for (const char* const what : {"foreign", "foreign-thread", "sent"})
    check_same_report(it.subject, what, it.reports("BUS on unknown address"));
  check_same_report(it.subject, "wild", it.reports("SEGV on unknown address"));
  check_same_report(it.subject, "wild-write", it.reports("SEGV on unknown address"));
}

// handle_sigbus, of all of them: 0 nobody has the signal, 1 it can be taken, 2 it cannot.
void check_options(const sanitizer& it, const char* command) {
  const program left = it.with("handle_sigbus=0", command), exclusive = it.with("handle_sigbus=2", command);
  for (const char* const mode : {"installed", "own"}) {
    CAPTURE(mode);
    CHECK(left.run(mode, "region") == well);
    CHECK(left.run(mode, "foreign") == ending{killed_by(SIGBUS), ""});
  }
  // sigaction says that it has worked; nosigbus_check looks.
  CHECK(exclusive.run("installed", "check") == g_displaced);
  CHECK(it.with("handle_segv=2", command).run("segv", "check") == g_displaced);
  CHECK(exclusive.run("installed", "region") == it.reports("BUS on unknown address"));
  // Past the sanitizer's sigaction.
  CHECK(exclusive.run("own", "region") == well);
  CHECK(exclusive.run("own", "foreign") == it.reports("BUS on unknown address"));
}

}  // namespace

#ifdef COEXISTENCE_ADDRESS
TEST_CASE("AddressSanitizer: faults are absorbed and reports unchanged") {
  const sanitizer it("ASAN_OPTIONS", "AddressSanitizer", 1, COEXISTENCE_ADDRESS);
  check_sanitizer(it);
  check_same_report(it.subject, "use-after-free", it.reports("heap-use-after-free"));
  check_options(it, COEXISTENCE_ADDRESS);
}
#endif

#ifdef COEXISTENCE_UNDEFINED
TEST_CASE("UndefinedBehaviorSanitizer: faults are absorbed and reports unchanged") {
  const sanitizer it("UBSAN_OPTIONS", "UndefinedBehaviorSanitizer", 1, COEXISTENCE_UNDEFINED);
  check_sanitizer(it);
  check_same_report(it.subject, "overflow", {exited(0), "runtime error: signed integer overflow"});
  check_options(it, COEXISTENCE_UNDEFINED);
}
#endif

#ifdef COEXISTENCE_THREAD
TEST_CASE("ThreadSanitizer: faults are absorbed and reports unchanged") {
  const sanitizer it("TSAN_OPTIONS", "ThreadSanitizer", 66, COEXISTENCE_THREAD);
  const ending bus = it.reports("BUS on unknown address"), segv = it.reports("SEGV on unknown address");
  check_absorbed_beside(it);
  for (const char* const what : {"foreign", "foreign-thread", "sent"}) {
    CAPTURE(what);
    check_handed_on(it.subject, what, bus);
    // It prints no call chain below a handler that hands on to its own, whoever's that is.
    CHECK(report(it.subject.run("installed", what), bus.said) ==
          report(it.subject.run("other", what), bus.said));
  }
  check_unchanged(it.subject, "wild", segv);
  check_unchanged(it.subject, "wild-write", segv);
  check_same_report(it.subject, "use-after-free", it.reports("heap-use-after-free"));
  // Which of the two is told of is not the same each time.
  check_unchanged(it.subject, "data-race", it.reports("data race"));
  check_options(it, COEXISTENCE_THREAD);
}
#endif

#ifdef COEXISTENCE_MEMORY
TEST_CASE("MemorySanitizer: faults are absorbed and reports unchanged") {
  const sanitizer it("MSAN_OPTIONS", "MemorySanitizer", 1, COEXISTENCE_MEMORY);
  check_sanitizer(it);
  check_same_report(it.subject, "uninitialised", it.reports("use-of-uninitialized-value"));
  check_options(it, COEXISTENCE_MEMORY);
}

TEST_CASE("MemorySanitizer: what a guarded copy has written it has to be told") {
  const sanitizer it("MSAN_OPTIONS", "MemorySanitizer", 1, COEXISTENCE_MEMORY);
  check_unchanged(it.subject, "copied", it.reports("use-of-uninitialized-value"));
  check_unchanged(it.subject, "copied-and-told", {exited(0), "copied\n"});
}
#endif

#ifdef COEXISTENCE_FUZZER
// libFuzzer's own handlers, where no sanitizer has the signals.
static const char* const g_no_sanitizer = "UBSAN_OPTIONS=handle_segv=0:handle_sigbus=0:symbolize=0";

TEST_CASE("libFuzzer: faults are absorbed and crashes found") {
  const program fuzzer = program(COEXISTENCE_FUZZER).with(g_no_sanitizer);
  const ending deadly{exited(77), "ERROR: libFuzzer: deadly signal"};
  for (const char* const what : {"region", "race", "safe-read", "guard"})
    check_absorbed(fuzzer, what, deadly);
  for (const char* const what : {"foreign", "sent", "wild", "abort"}) check_same_report(fuzzer, what, deadly);
}

// It installs its handlers before the first input, and only where it finds none.
TEST_CASE("libFuzzer: installed before its handlers nosigbus takes their place") {
  const program fuzzer = program(COEXISTENCE_FUZZER).with(g_no_sanitizer);
  CHECK(fuzzer.run("early", "region") == well);
  CHECK(fuzzer.run("early", "foreign") == ending{killed_by(SIGBUS), ""});
  CHECK(fuzzer.run("early", "wild") == ending{exited(77), "ERROR: libFuzzer: deadly signal"});
}
#endif

#ifdef COEXISTENCE_FUZZER_ADDRESS
TEST_CASE("libFuzzer with AddressSanitizer: faults are absorbed and crashes found") {
  const sanitizer it("ASAN_OPTIONS", "AddressSanitizer", 1, COEXISTENCE_FUZZER_ADDRESS);
  for (const char* const what : {"region", "safe-read", "guard"})
    check_absorbed(it.subject, what, it.reports("BUS on unknown address"));
  check_same_report(it.subject, "foreign", it.reports("BUS on unknown address"));
  check_same_report(it.subject, "wild", it.reports("SEGV on unknown address"));
  CHECK(it.subject.run("early", "foreign") == it.reports("BUS on unknown address"));
}
#endif
