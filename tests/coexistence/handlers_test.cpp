// SPDX-License-Identifier: MIT
//
// A plain program, with a handler on top of nosigbus's: one that hands on, and one that does not.
#include <doctest/doctest.h>
#include <signal.h>

#include "embedders/runner.h"

namespace {

using namespace embedders;
using test::exited;
using test::killed_by;

const program g_plain(COEXISTENCE_PLAIN);
const ending g_killed{killed_by(SIGBUS), ""};

}  // namespace

TEST_CASE("Handlers: what is absorbed and what kills in a program without others") {
  for (const char* const what : {"region", "region-thread", "adopted", "race", "safe-read", "guard"})
    check_absorbed(g_plain, what, g_killed);
  CHECK(g_plain.run("installed", "adopted") == ending{exited(0), "refresh: 1\n"});
  for (const char* const what : {"foreign", "foreign-thread", "sent"})
    check_handed_on(g_plain, what, g_killed);
  check_unchanged(g_plain, "wild", {killed_by(SIGSEGV), ""});
  check_unchanged(g_plain, "wild-write", {killed_by(SIGSEGV), ""});
  check_unchanged(g_plain, "abort", {killed_by(SIGABRT), ""});
}

TEST_CASE("Handlers: one on top that does not hand on is noticed and rearm puts nosigbus in front") {
  check_place(g_plain);
}

TEST_CASE("Handlers: one on top that hands on is noticed and does no harm") {
  CHECK(g_plain.run("chaining", "check") == ending{exited(0), "check: 16\n"});
  CHECK(g_plain.run("circle", "check") == ending{exited(0), "check: 0\n"});
  for (const char* const mode : {"chaining", "circle"}) {
    CAPTURE(mode);
    for (const char* const what : {"region", "region-thread", "race", "safe-read", "guard"}) {
      CAPTURE(what);
      CHECK(g_plain.run(mode, what) == well);
    }
    for (const char* const what : {"foreign", "foreign-thread", "sent"}) {
      CAPTURE(what);
      CHECK(g_plain.run(mode, what) == g_killed);
    }
    CHECK(g_plain.run(mode, "wild") == ending{killed_by(SIGSEGV), ""});
  }
}
