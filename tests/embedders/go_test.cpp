// SPDX-License-Identifier: MIT
//
// A Go program, and Go as the library of a C program. The runtime has handlers for both signals; faults in Go
// code are panics.
#include <doctest/doctest.h>
#include <signal.h>

#include "runner.h"

namespace {

using namespace embedders;
using test::exited;
using test::killed_by;

const program g_go(EMBEDDER_GO);
const ending g_fault{exited(2), "unexpected fault address"};
const ending g_fault_in_c{exited(2), "fatal error: unexpected signal during runtime execution"};
const ending g_panic{exited(0), "runtime error: invalid memory address or nil pointer dereference\n"};

// In a library, Go ends the process by SIGABRT.
const ending g_fault_in_library{killed_by(SIGABRT), "unexpected fault address"};
const ending g_killed{killed_by(SIGBUS), ""};
const ending g_recovered{exited(0), "recovered: 1\n"};
const ending g_owner{exited(0), "SIGBUS: handler siginfo onstack restart\n"};

const program g_shared(EMBEDDER_GO_SHARED, EMBEDDER_GO_LIBRARY);
const program g_archive(EMBEDDER_GO_ARCHIVE);

// A C program with Go in it: each mode in which it has its own protection in front, or none.
void check_host(const program& host, const std::string& mode, bool is_protected) {
  CAPTURE(mode);
  CHECK(host.run(mode, "region-c") == (is_protected ? well : g_killed));
  CHECK(host.run(mode, "region-go") == (is_protected ? well : g_fault_in_library));
  CHECK(host.run(mode, "foreign-c") == g_killed);
  CHECK(host.run(mode, "foreign-go") == g_fault_in_library);
  CHECK(host.run(mode, "nil") == g_recovered);
}

}  // namespace

TEST_CASE("Go: the runtime has both signals before main") {
  CHECK(g_go.run("none", "owner") ==
        ending{exited(0),
               "SIGBUS: handler siginfo onstack restart\nSIGSEGV: handler siginfo onstack restart\n"});
}

TEST_CASE("Go: a region and a guarded copy survive whoever has the handler in front") {
  for (const char* const what : {"region", "region-goroutine", "race", "deep"}) {
    check_absorbed(g_go, what, g_fault);
  }
  for (const char* const what : {"region-c", "safe-read", "guard"}) check_absorbed(g_go, what, g_fault_in_c);
}

TEST_CASE("Go: what is not ours ends as without nosigbus") {
  check_handed_on(g_go, "foreign", g_fault);
  check_handed_on(g_go, "foreign-goroutine", g_fault);
  check_handed_on(g_go, "foreign-c", g_fault_in_c);
  check_handed_on(g_go, "sent", {exited(2), "SIGBUS: bus error"});
}

TEST_CASE("Go: panics of the runtime can be recovered from") {
  check_handed_on(g_go, "panic-on-fault", g_panic);
  check_unchanged(g_go, "nil", g_panic);
  check_unchanged(g_go, "nil-goroutine", g_panic);
}

TEST_CASE("Go: check and rearm") { check_place(g_go); }

TEST_CASE("Go: asking for all signals changes nothing") {
  CHECK(g_go.run("none", "notify") == ending{exited(2), "unexpected fault address"});
  CHECK(g_go.run("installed", "notify") == ending{exited(0), "check: 0\ncheck: 0\n"});
  CHECK(g_go.run("own", "notify") == ending{exited(0), "check: 2\ncheck: 2\n"});
}

TEST_CASE("Go: the handler is at home on the signal stack of the runtime") {
  for (const char* const mode : {"installed", "own"}) check_stack(g_go, mode, "stack");
}

TEST_CASE("Go as a shared library: nosigbus behind the runtime protects C code only") {
  CHECK(g_shared.run("none", "owner") == g_owner);
  check_host(g_shared, "none", false);
  for (const char* const mode : {"before", "own-before"}) {
    CAPTURE(mode);
    CHECK(g_shared.run(mode, "region-c") == well);
    CHECK(g_shared.run(mode, "region-go") == g_fault_in_library);
    CHECK(g_shared.run(mode, "foreign-c") == g_killed);
    CHECK(g_shared.run(mode, "foreign-go") == g_fault_in_library);
    CHECK(g_shared.run(mode, "nil") == g_recovered);
  }
  CHECK(g_shared.run("before", "check") == ending{exited(0), "check: 16\n"});
}

TEST_CASE("Go as a shared library: nosigbus in front of the runtime protects all") {
  for (const char* const mode : {"after", "rearmed", "own"}) check_host(g_shared, mode, true);
  CHECK(g_shared.run("after", "check") == ending{exited(0), "check: 0\n"});
  CHECK(g_shared.run("rearmed", "check") == ending{exited(0), "check: 0\n"});
}

// The runtime has its handlers before main, so there is no coming before it.
TEST_CASE("Go as an archive: nosigbus in front of the runtime protects all") {
  CHECK(g_archive.run("none", "owner") == g_owner);
  check_host(g_archive, "none", false);
  for (const char* const mode : {"after", "own"}) check_host(g_archive, mode, true);
  CHECK(g_archive.run("after", "check") == ending{exited(0), "check: 0\n"});
}
