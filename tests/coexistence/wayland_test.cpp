// SPDX-License-Identifier: MIT
//
// A display server: libwayland's handler before nosigbus's, and after it.
#include <doctest/doctest.h>
#include <signal.h>

#include "embedders/runner.h"

namespace {

using namespace embedders;
using test::exited;
using test::killed_by;

const program g_wayland(COEXISTENCE_WAYLAND);
const ending g_killed{killed_by(SIGBUS), ""};
// wl_shm's error "invalid_fd", on the buffer.
const ending g_disconnected{exited(0), "client: wl_buffer 2\nclient: no error\n"};

}  // namespace

TEST_CASE("libwayland: faults are absorbed where nosigbus is in front") {
  for (const char* const what : {"region", "region-thread", "safe-read", "guard"}) {
    CAPTURE(what);
    note_absorbed(what);
    CHECK(g_wayland.run("none", what) == g_killed);
    for (const std::string& mode : protections) CHECK(g_wayland.run(mode, what) == well);
    // Its handler takes itself away, and sends the signal again: no fault any more.
    CHECK(g_wayland.run("displaced", what) == g_killed);
  }
}

TEST_CASE("libwayland: a client that cuts its pool off is disconnected in each order of handlers") {
  check_unchanged(g_wayland, "bracket", g_disconnected);
  CHECK(g_wayland.run("displaced", "bracket") == g_disconnected);
}

TEST_CASE("libwayland: what is neither's kills") {
  for (const char* const what : {"outside", "foreign", "foreign-thread", "sent"}) {
    check_unchanged(g_wayland, what, g_killed);
    CHECK(g_wayland.run("displaced", what) == g_killed);
  }
  check_unchanged(g_wayland, "wild", {killed_by(SIGSEGV), ""});
}

TEST_CASE("libwayland: a server that was displaced by it is told and rearm puts it in front") {
  CHECK(g_wayland.run("installed", "check") == ending{exited(0), "check: 0\n"});
  CHECK(g_wayland.run("displaced", "check") == ending{exited(0), "check: 16\n"});
  CHECK(g_wayland.run("rearmed", "check") == ending{exited(0), "check: 0\n"});
}
