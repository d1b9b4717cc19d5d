// SPDX-License-Identifier: MIT
//
// A program on GLib, which has no handler of its own for the signals of faults, and sources for others.
#include <doctest/doctest.h>
#include <signal.h>

#include "embedders/runner.h"

namespace {

using namespace embedders;
using test::exited;
using test::killed_by;

const program g_glib(COEXISTENCE_GLIB);
const ending g_killed{killed_by(SIGBUS), ""};

}  // namespace

TEST_CASE("GLib: mapped files are adopted and read and guarded") {
  for (const char* const what : {"region", "safe-read", "guard", "adopted", "mapped-read", "mapped-guard"})
    check_absorbed(g_glib, what, g_killed);
}

TEST_CASE("GLib: events are a source of the main loop") {
  note_absorbed("events");
  for (const std::string& mode : protections) CHECK(g_glib.run(mode, "events") == well);
}

TEST_CASE("GLib: mapped files that were not adopted kill and signals and children are as ever") {
  check_handed_on(g_glib, "mapped-foreign", g_killed);
  check_unchanged(g_glib, "wild", {killed_by(SIGSEGV), ""});
  check_unchanged(g_glib, "unix-signal", {exited(0), "dispatched\n"});
  check_unchanged(g_glib, "fatal", {killed_by(SIGTRAP), "ERROR **"});
}

// It starts children that have nosigbus, too.
TEST_CASE("GLib: children have the default actions") {
  check_unchanged(g_glib, "spawn", {exited(0), "told\n"});
}
