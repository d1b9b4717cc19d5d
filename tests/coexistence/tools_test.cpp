// SPDX-License-Identifier: MIT
//
// A plain program below tools that look at each signal of it: valgrind, gdb, strace.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>

#include "embedders/runner.h"
#include "long.h"

namespace {

using namespace embedders;
using test::exited;
using test::killed_by;

const program g_plain(COEXISTENCE_PLAIN);

[[maybe_unused]] size_t lines_with(const ending& it, const std::string& what) {
  size_t count = 0;
  for (size_t at = it.said.find(what); at != std::string::npos; at = it.said.find(what, at + 1)) ++count;
  return count;
}

}  // namespace

#ifdef COEXISTENCE_VALGRIND
namespace {

// An instruction that is executed again needs its registers as they were, which valgrind does not keep by
// itself. And for a handler that wants the alternate stack, where there is none, it does not let the main
// stack grow.
program below_valgrind(const std::string& tool) {
  return g_plain
      .below({COEXISTENCE_VALGRIND, "--tool=" + tool, "--vex-iropt-register-updates=allregs-at-mem-access",
              "--error-exitcode=9"})
      .with("SUBJECT_ALTERNATE_STACK=1");
}

const ending g_bus{killed_by(SIGBUS), "Process terminating with default action of signal 7 (SIGBUS)"};
const ending g_segv{killed_by(SIGSEGV), "Process terminating with default action of signal 11 (SIGSEGV)"};

// In one mode each: it takes a second.
void check_valgrind(const program& subject) {
  for (const char* const what : {"region", "region-thread", "safe-read", "guard"}) {
    CAPTURE(what);
    note_absorbed(what);
    CHECK(subject.run("installed", what) == ending{exited(0), "ERROR SUMMARY: 0 errors"});
  }
  CHECK(subject.run("installed", "deep") == well);
  // It does not duplicate mappings (EINVAL): what was adopted without a descriptor stays zeros.
  CHECK(subject.run("installed", "adopted") == ending{exited(0), "refresh: -95\n"});
  CHECK(subject.run("own", "region") == well);
  CHECK(subject.run("displaced", "region") == ending{killed_by(SIGBUS), "crash reporter: SIGBUS"});
  CHECK(subject.run("rearmed", "region") == well);
  note_unchanged("foreign");
  CHECK(subject.run("none", "foreign") == g_bus);
  CHECK(subject.run("installed", "foreign") == g_bus);
  CHECK(subject.run("installed", "foreign").said.find("subject_sum") != std::string::npos);
  note_unchanged("sent");
  CHECK(subject.run("none", "sent") == g_bus);
  CHECK(subject.run("installed", "sent") == g_bus);
  for (const char* const mode : {"none", "installed", "segv", "own"}) {
    CAPTURE(mode);
    CHECK(subject.run(mode, "wild") == g_segv);
  }
  note_unchanged("wild");
}

}  // namespace

TEST_CASE("valgrind memcheck: faults are absorbed and deaths told of" LONG) {
  const program memcheck = below_valgrind("memcheck");
  check_valgrind(memcheck);
  note_absorbed("race");
  CHECK(memcheck.run("installed", "race") == ending{exited(0), "ERROR SUMMARY: 0 errors"});
  for (const char* const mode : {"none", "installed"}) {
    CAPTURE(mode);
    CHECK(memcheck.run(mode, "use-after-free") == ending{exited(9), "Invalid read of size 1"});
    CHECK(memcheck.run(mode, "wild") == ending{killed_by(SIGSEGV), "Invalid read of size 1"});
  }
  note_unchanged("use-after-free");
}

TEST_CASE("valgrind helgrind: faults are absorbed and deaths told of" LONG) {
  const program helgrind = below_valgrind("helgrind");
  check_valgrind(helgrind);
  for (const char* const mode : {"none", "installed"}) {
    CAPTURE(mode);
    CHECK(helgrind.run(mode, "data-race") == ending{exited(9), "Possible data race during"});
  }
  note_unchanged("data-race");
}

#endif

#ifdef COEXISTENCE_GDB
namespace {

program below_gdb(const std::vector<std::string>& commands) {
  std::vector<std::string> command{COEXISTENCE_GDB, "-q",
                                   "-nx",           "-batch",
                                   "-iex",          "set breakpoint pending on",
                                   "-iex",          "set debuginfod enabled off"};
  for (const std::string& each : commands) command.insert(command.end(), {"-ex", each});
  command.push_back("--args");
  return g_plain.below(command);
}

const std::string g_passes = "handle SIGBUS nostop noprint pass";
const ending g_exited{exited(0), "exited normally"};
const ending g_stopped{exited(0), "received signal SIGBUS, Bus error"};

}  // namespace

TEST_CASE("gdb: told to pass SIGBUS it lets the program go on and sees it die" LONG) {
  const program passing = below_gdb({g_passes, "run"});
  for (const char* const what : {"region", "region-thread", "race", "safe-read", "guard"}) {
    CAPTURE(what);
    note_absorbed(what);
    for (const std::string& mode : protections) CHECK(passing.run(mode, what) == g_exited);
    CHECK(lines_with(passing.run("installed", what), g_stopped.said) == 0);
  }
  for (const char* const mode : {"none", "installed", "own"}) {
    CAPTURE(mode);
    CHECK(passing.run(mode, "foreign") ==
          ending{exited(0), "Program terminated with signal SIGBUS, Bus error"});
    CHECK(passing.run(mode, "wild") ==
          ending{exited(0), "Program received signal SIGSEGV, Segmentation fault"});
  }
  note_unchanged("foreign");
  note_unchanged("wild");
}

TEST_CASE("gdb: by default it stops at each fault and goes on when it is told to" LONG) {
  const program stopping = below_gdb({"run", "backtrace", "continue"});
  const ending in_copy = stopping.run("installed", "safe-read");
  CHECK(in_copy == g_stopped);
  CHECK(in_copy == g_exited);
  // Through assembly, in which the fault was, down to where the program begins.
  for (const char* const frame : {"#0 ", " in nosigbus_", "#1 ", " in safe_read", " in _start ("}) {
    CAPTURE(frame);
    CHECK(in_copy == ending{exited(0), frame});
  }
  const ending in_guard = stopping.run("installed", "guard");
  CHECK(in_guard == g_stopped);
  CHECK(in_guard == g_exited);
  for (const char* const frame : {"add_up", " in nosigbus_guard", " in guarded_sum", " in _start ("}) {
    CAPTURE(frame);
    CHECK(in_guard == ending{exited(0), frame});
  }
  const ending foreign = stopping.run("installed", "foreign");
  CHECK(lines_with(foreign, g_stopped.said) == 2);  // the fault, and what it is to die of
  CHECK(lines_with(stopping.run("none", "foreign"), g_stopped.said) == 1);
  CHECK(foreign == ending{exited(0), "subject_sum"});
}

TEST_CASE("gdb: breakpoints in a region's reader and in the handler" LONG) {
  const program breaking = below_gdb({g_passes, "break subject_check_region", "break nosigbus_on_signal",
                                      "run", "continue", "backtrace", "delete", "continue"});
  const ending it = breaking.run("installed", "region");
  CHECK(it == g_exited);
  for (const char* const frame :
       {"Breakpoint 1, ", "Breakpoint 2, ", "<signal handler called>", " in _start ("}) {
    CAPTURE(frame);
    CHECK(it == ending{exited(0), frame});
  }
}
#endif

#ifdef COEXISTENCE_GDB
TEST_CASE("gdb: attached to a program it lets that go on" LONG) {
  const program traced = g_plain.with("SUBJECT_TRACER=exec " COEXISTENCE_GDB
                                      " -q -nx -batch -iex 'set debuginfod enabled off' -ex '" +
                                      g_passes + "' -ex continue -p $SUBJECT_PID");
  for (const std::string& mode : protections)
    CHECK(traced.run(mode, "attached") == ending{exited(0), "attached\n"});
  note_absorbed("attached");
}
#endif

#ifdef COEXISTENCE_STRACE
TEST_CASE("strace: attached to a program it lets that go on") {
  const program traced =
      g_plain.with("SUBJECT_TRACER=exec " COEXISTENCE_STRACE " -f -e trace=none -p $SUBJECT_PID");
  for (const std::string& mode : protections)
    CHECK(traced.run(mode, "attached") == ending{exited(0), "attached\n"});
  note_absorbed("attached");
}

TEST_CASE("strace: it sees each fault and changes nothing") {
  const program traced = g_plain.below({COEXISTENCE_STRACE, "-f", "-e", "trace=none"});
  const std::string fault = "--- SIGBUS {si_signo=SIGBUS, si_code=BUS_ADRERR, si_addr=0x";
  // Each of them meets one end of a file, on whichever thread.
  for (const char* const what : {"region", "region-thread", "safe-read", "guard"}) {
    CAPTURE(what);
    note_absorbed(what);
    for (const std::string& mode : protections) {
      const ending it = traced.run(mode, what);
      CHECK(it == ending{exited(0), "+++ exited with 0 +++"});
      CHECK(lines_with(it, fault) == 1);
    }
  }
  const ending race = traced.run("installed", "race");
  CHECK(race == ending{exited(0), "+++ exited with 0 +++"});
  CHECK(lines_with(race, fault) >= 1);
  CHECK(lines_with(race, fault) <= 4);
  note_absorbed("race");

  const ending without = traced.run("none", "foreign"), with = traced.run("installed", "foreign");
  CHECK(without == ending{killed_by(SIGBUS), "+++ killed by SIGBUS +++"});
  CHECK(with == ending{killed_by(SIGBUS), "+++ killed by SIGBUS +++"});
  CHECK(lines_with(without, fault) == 1);
  CHECK(lines_with(with, fault) == 2);  // the fault, and what it is to die of
  note_unchanged("foreign");
  for (const char* const mode : {"none", "installed", "segv", "own"})
    CHECK(traced.run(mode, "wild") == ending{killed_by(SIGSEGV), "+++ killed by SIGSEGV +++"});
  note_unchanged("wild");
}
#endif
