// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "tool.h"

using namespace test;

TEST_CASE("the program's exit status is the tool's") {
  for (int status = 0; status < 256; ++status) {
    const tool_result result = run_tool(subject({}, {"exit", std::to_string(status)}));
    CHECK(result.how == exited(status));
    CHECK(result.err.empty());
  }
}

TEST_CASE("the program's death is the tool's") {
  for (const int signo :
       {SIGSEGV, SIGBUS, SIGKILL, SIGABRT, SIGTERM, SIGINT, SIGQUIT, SIGPIPE, SIGUSR2, SIGRTMIN + 3}) {
    CHECK(run_tool(subject({}, {"die", std::to_string(signo)})).how == killed_by(signo));
  }
}

TEST_CASE("what cannot be started has env's statuses") {
  CHECK(run_tool({"/nonsense"}).how == exited(127));
  CHECK(run_tool({"nosigbus-nonsense"}).how == exited(127));
  CHECK(run_tool({""}).how == exited(127));
  CHECK(run_tool({"true"}, {{"PATH", "/nonsense"}}).how == exited(127));
  CHECK(run_tool({"/tmp"}).how == exited(126));
  CHECK(run_tool({"/etc/passwd"}).how == exited(126));
  CHECK(run_tool({"/etc/passwd/x"}).how == exited(127));
}

TEST_CASE("signal actions and masks are those of the tool's parent") {
  const outcome how = in_child([] {
    signal(SIGHUP, SIG_IGN);
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGTERM);
    sigaddset(&some, SIGCHLD);
    sigprocmask(SIG_SETMASK, &some, nullptr);
    const tool_result result = tool({"grep", "-E", "SigBlk|SigIgn", "/proc/self/status"}, {}, [] {
                                 signal(SIGCHLD, SIG_IGN);
                               }).finish();
    CHILD_CHECK(result.how == exited(0));
    CHILD_CHECK(result.out.find("SigBlk:\t0000000000014000") != std::string::npos);
    CHILD_CHECK(result.out.find("SigIgn:\t0000000000010001") != std::string::npos);
    return 0;
  });
  CHECK(how == exited(0));
}

TEST_CASE("the program gets no descriptor of the tool's own") {
  const tool_result result = run_tool({"sh", "-c", "ls -l /proc/$$/fd"});
  CHECK(result.how == exited(0));
  CHECK(result.out.find("nosigbus") == std::string::npos);
}
