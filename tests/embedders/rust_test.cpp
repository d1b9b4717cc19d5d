// SPDX-License-Identifier: MIT
//
// A Rust program: std has handlers for SIGSEGV and SIGBUS, for the overflow of a stack.
#include <doctest/doctest.h>
#include <signal.h>

#include "runner.h"

namespace {

using namespace embedders;
using test::exited;
using test::killed_by;

const program g_rust(EMBEDDER_RUST);
const ending g_killed{killed_by(SIGBUS), ""};

}  // namespace

TEST_CASE("Rust: std has both signals before main") {
  CHECK(g_rust.run("none", "owner") ==
        ending{exited(0), "SIGBUS: handler siginfo onstack\nSIGSEGV: handler siginfo onstack\n"});
}

TEST_CASE("Rust: a region and a guarded copy survive whoever has the handler in front") {
  for (const char* const what : {"region", "region-thread", "race", "safe-read", "guard"}) {
    check_absorbed(g_rust, what, g_killed);
  }
}

TEST_CASE("Rust: what is not ours ends as without nosigbus") {
  check_handed_on(g_rust, "foreign", g_killed);
  check_handed_on(g_rust, "foreign-thread", g_killed);
  check_unchanged(g_rust, "null", {killed_by(SIGSEGV), ""});
}

TEST_CASE("Rust: the overflow of a stack is reported by std") {
  check_unchanged(g_rust, "overflow", {killed_by(SIGABRT), "has overflowed its stack"});
  check_unchanged(g_rust, "overflow-thread", {killed_by(SIGABRT), "has overflowed its stack"});
}

TEST_CASE("Rust: check and rearm") { check_place(g_rust); }

// std takes a SIGBUS that somebody sends for a fault that will repeat under the default action.
TEST_CASE("Rust: a sent SIGBUS takes all handlers away until rearm") {
  CHECK(g_rust.run("none", "sent") == ending{killed_by(SIGBUS), "SIGBUS: default\n"});
  CHECK(g_rust.run("installed", "sent") == ending{exited(0), "SIGBUS: default\ncheck: 16\nrearm: 0\n"});
  CHECK(g_rust.run("own", "sent") == ending{killed_by(SIGBUS), "SIGBUS: default\ncheck: 2\nrearm: 2\n"});
}

TEST_CASE("Rust: the handler is at home on the alternate stack of std") {
  for (const char* const mode : {"installed", "own"}) {
    for (const char* const what : {"stack", "stack-thread"}) check_stack(g_rust, mode, what);
  }
}
