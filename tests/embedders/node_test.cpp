// SPDX-License-Identifier: MIT
//
// A Node program. V8 has SIGSEGV, for WebAssembly out of bounds; nobody has SIGBUS.
#include <doctest/doctest.h>
#include <signal.h>

#include "runner.h"

namespace {

using namespace embedders;
using test::exited;
using test::killed_by;

const program g_node(EMBEDDER_NODE);
const ending g_killed{killed_by(SIGBUS), ""};

}  // namespace

TEST_CASE("Node: V8 has SIGSEGV and nobody has SIGBUS") {
  CHECK(g_node.run("none", "owner") == ending{exited(0), "SIGBUS: default\nSIGSEGV: handler siginfo"});
}

TEST_CASE("Node: a region and a guarded copy survive whoever has the handler in front") {
  for (const char* const what : {"region", "region-worker", "compiled", "race", "safe-read", "guard"}) {
    check_absorbed(g_node, what, g_killed);
  }
}

TEST_CASE("Node: a mapping lasts as long as its buffers") { check_absorbed(g_node, "collect", g_killed); }

TEST_CASE("Node: what is not ours kills as without nosigbus") {
  for (const char* const what : {"foreign", "foreign-worker", "sent"})
    check_handed_on(g_node, what, g_killed);
}

TEST_CASE("Node: WebAssembly out of bounds and endless recursion are exceptions") {
  check_unchanged(g_node, "wasm", {exited(0), "RuntimeError\n"});
  check_unchanged(g_node, "wasm-worker", {exited(0), "RuntimeError\n"});
  check_unchanged(g_node, "recursion", {exited(0), "RangeError\n"});
}

TEST_CASE("Node: check and rearm") { check_place(g_node); }
