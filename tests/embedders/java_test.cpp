// SPDX-License-Identifier: MIT
//
// A Java program, and a C program with a Java VM. The VM has handlers for both signals: of faults in Java
// code it makes exceptions, of others a report.
#include <doctest/doctest.h>
#include <signal.h>

#include "runner.h"

namespace {

using namespace embedders;
using test::exited;
using test::killed_by;

const program g_java(EMBEDDER_JAVA);
const ending g_thrown{exited(1), "java.lang.InternalError: a fault occurred"};
// That it leaves no core file is why it does not end by SIGABRT.
const ending g_crash{exited(1),
                     "A fatal error has been detected by the Java Runtime Environment:\n#\n#  SIGBUS"};
const ending g_internal_error{exited(0), "InternalError\n"};
const ending g_killed{killed_by(SIGBUS), ""};

const program g_host(EMBEDDER_JAVA_HOST, EMBEDDER_JAVA_PATHS);
const program g_signal_chaining = g_java.with("LD_PRELOAD=" EMBEDDER_LIBJSIG);

void check_exceptions(const program& subject, const std::string& mode) {
  CAPTURE(mode);
  CHECK(subject.run(mode, "mapped") == g_internal_error);
  CHECK(subject.run(mode, "null") == ending{exited(0), "NullPointerException\n"});
  CHECK(subject.run(mode, "recursion") == ending{exited(0), "StackOverflowError\n"});
}

}  // namespace

TEST_CASE("Java: the VM has both signals before main") {
  CHECK(g_java.run("none", "owner") ==
        ending{exited(0), "SIGBUS: handler siginfo restart\nSIGSEGV: handler siginfo restart\n"});
}

TEST_CASE("Java: a region survives whoever has the handler in front") {
  for (const char* const what : {"region", "region-thread", "compiled", "collect"}) {
    check_absorbed(g_java, what, g_thrown);
  }
  // Without nosigbus, the readers that are left would go on for ever.
  for (const std::string& mode : protections) CHECK(g_java.run(mode, "race") == well);
}

TEST_CASE("Java: native code that reads a region and a guarded copy survive") {
  for (const char* const what : {"region-native", "safe-read", "guard"})
    check_absorbed(g_java, what, g_crash);
}

TEST_CASE("Java: faults that are not ours end as without nosigbus") {
  check_handed_on(g_java, "mapped", g_internal_error);
  check_handed_on(g_java, "mapped-thread", g_internal_error);
  check_handed_on(g_java, "foreign-native", g_crash);
  check_handed_on(g_java, "sent", g_crash);
}

TEST_CASE("Java: exceptions that the VM makes of SIGSEGV are thrown") {
  check_unchanged(g_java, "null", {exited(0), "NullPointerException\n"});
  check_unchanged(g_java, "recursion", {exited(0), "StackOverflowError\n"});
  check_unchanged(g_java, "recursion-thread", {exited(0), "StackOverflowError\n"});
}

TEST_CASE("Java: check and rearm") { check_place(g_java); }

TEST_CASE("Java: a VM that checks its handlers warns and goes on") {
  const program checking = g_java.with("JAVA_TOOL_OPTIONS=-Xcheck:jni");
  CHECK(checking.run("installed", "region") == ending{exited(0), "SIGBUS handler modified!"});
  CHECK(checking.run("installed", "mapped") == g_internal_error);
}

// It leaves the signals that end programs to others, and those of faults to the VM.
TEST_CASE("Java: a VM with fewer signals has the same ones of faults") {
  const program reduced = g_java.with("JAVA_TOOL_OPTIONS=-Xrs");
  CHECK(reduced.run("installed", "region") == well);
  CHECK(reduced.run("none", "mapped") == g_internal_error);
  CHECK(reduced.run("installed", "mapped") == g_internal_error);
}

TEST_CASE("Java: with libjsig nosigbus is behind the VM and protects native code only") {
  CHECK(g_signal_chaining.run("installed", "region") == g_thrown);
  CHECK(g_signal_chaining.run("installed", "region-native") == well);
  check_exceptions(g_signal_chaining, "installed");
  CHECK(g_signal_chaining.run("none", "foreign-native") == g_crash);
  // The VM hands it on to nosigbus, which has nobody to hand it on to.
  CHECK(g_signal_chaining.run("installed", "foreign-native") == g_killed);
  // It is told that it is in front.
  CHECK(g_signal_chaining.run("installed", "check") == ending{exited(0), "check: 0\n"});
}

TEST_CASE("Java: with libjsig a handler that was installed past it protects all") {
  CHECK(g_signal_chaining.run("own", "region") == well);
  CHECK(g_signal_chaining.run("own", "region-native") == well);
  CHECK(g_signal_chaining.run("own", "foreign-native") == g_crash);
  check_exceptions(g_signal_chaining, "own");
}

TEST_CASE("A VM in a C program: nosigbus behind the VM protects native code only") {
  CHECK(g_host.run("none", "owner") == ending{exited(0), "SIGBUS: handler siginfo restart\n"});
  CHECK(g_host.run("none", "region") == ending{exited(1), "InternalError"});
  CHECK(g_host.run("none", "region-native") == g_crash);
  CHECK(g_host.run("none", "foreign-native") == g_crash);
  for (const char* const mode : {"before", "own-before"}) {
    CAPTURE(mode);
    CHECK(g_host.run(mode, "region") == ending{exited(1), "InternalError"});
    CHECK(g_host.run(mode, "region-native") == well);
    CHECK(g_host.run(mode, "foreign-native") == g_killed);
    check_exceptions(g_host, mode);
  }
  CHECK(g_host.run("before", "check") == ending{exited(0), "check: 16\n"});
}

TEST_CASE("A VM in a C program: nosigbus put in front of the VM protects all") {
  for (const char* const mode : {"after", "rearmed"}) {
    CAPTURE(mode);
    CHECK(g_host.run(mode, "region") == well);
    CHECK(g_host.run(mode, "region-native") == well);
    check_exceptions(g_host, mode);
    CHECK(g_host.run(mode, "check") == ending{exited(0), "check: 0\n"});
  }
  CHECK(g_host.run("after", "foreign-native") == g_crash);
  // The VM hands on what is not its own to whoever was there before it, which was nosigbus.
  CHECK(g_host.run("rearmed", "foreign-native") == g_killed);
}
