// SPDX-License-Identifier: MIT
//
// CPython, which loads the library by ctypes: alone, where nobody has the signals, and with faulthandler,
// which reports them.
#include <doctest/doctest.h>
#include <signal.h>

#include "embedders/runner.h"
#include "long.h"

namespace {

using namespace embedders;
using test::exited;
using test::killed_by;

const program g_python = program(COEXISTENCE_PYTHON)
                             .with("NOSIGBUS_LIBRARY=" COEXISTENCE_LIBRARY)
                             .with("NOSIGBUS_FFI=" COEXISTENCE_FFI);
const program g_reporting = g_python.with("PYTHONFAULTHANDLER=1");

const ending g_killed{killed_by(SIGBUS), ""};
const ending g_bus{killed_by(SIGBUS), "Fatal Python error: Bus error"};
const ending g_segv{killed_by(SIGSEGV), "Fatal Python error: Segmentation fault"};

}  // namespace

TEST_CASE("CPython: faults are absorbed") {
  for (const char* const what : {"region", "region-thread", "safe-read", "guard"})
    check_absorbed(g_python, what, g_killed);
  // Without nosigbus, the readers that are left would go on for ever.
  for (const std::string& mode : protections) CHECK(g_python.run(mode, "race") == well);
  note_absorbed("race");
}

TEST_CASE("CPython: what is not ours kills and handlers and exceptions are as ever") {
  for (const char* const what : {"foreign", "foreign-thread", "sent"})
    check_handed_on(g_python, what, g_killed);
  check_unchanged(g_python, "wild", {killed_by(SIGSEGV), ""});
  check_unchanged(g_python, "recursion", {exited(0), "RecursionError\n"});
  check_unchanged(g_python, "in-script", {exited(0), "handled\n"});
}

TEST_CASE("CPython: check and rearm") { check_place(g_python); }

TEST_CASE("CPython with faulthandler: faults are absorbed and reports unchanged" LONG) {
  CHECK(g_reporting.run("none", "owner") ==
        ending{exited(0), "SIGBUS: handler onstack nodefer\nSIGSEGV: handler onstack nodefer\n"});
  for (const char* const what : {"region", "region-thread", "safe-read", "guard"})
    check_absorbed(g_reporting, what, g_bus);
  check_same_report(g_reporting, "foreign", g_bus);
  check_same_report(g_reporting, "sent", g_bus);
  // It says where the other threads are, too, which is not the same each time.
  check_handed_on(g_reporting, "foreign-thread", g_bus);
  check_same_report(g_reporting, "wild", g_segv);
}
