// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "tool.h"

using namespace test;

TEST_CASE("signals sent to the tool reach the program") {
  for (const int signo :
       {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGWINCH, SIGALRM, SIGURG, SIGCONT, SIGRTMIN}) {
    tool running(subject({}, {"wait", std::to_string(signo), "exit", "33"}));
    REQUIRE(running.wrote("ready"));
    kill(running.pid(), signo);
    CHECK(running.finish().how == exited(33));
  }
}

TEST_CASE("a program that does not expect a signal dies of it and the tool too") {
  tool running({"sleep", "30"});
  usleep(200'000);
  kill(running.pid(), SIGTERM);
  CHECK(running.finish().how == killed_by(SIGTERM));
}

TEST_CASE("when the program stops its parent sees it and can continue it") {
  for (const int signo : {SIGSTOP, SIGTSTP, SIGTTIN}) {
    const outcome how = in_child([signo] {
      setpgid(0, 0);  // a job, not an orphan: its parent is in the same session
      tool running(subject({}, {"raise", std::to_string(signo), "exit", "42"}));
      int status = 0;
      CHILD_CHECK(waitpid(running.pid(), &status, WUNTRACED) == running.pid());
      CHILD_CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == signo);
      kill(running.pid(), SIGCONT);
      CHILD_CHECK(running.finish().how == exited(42));
      return 0;
    });
    CHECK(how == exited(0));
  }
}

TEST_CASE("SIGUSR2 writes the report so far") {
  tool running(subject({}, {"record", "/memfd:x (deleted)", "zeros", "wait", std::to_string(SIGTERM)}));
  REQUIRE(running.wrote("ready"));
  kill(running.pid(), SIGUSR2);
  CHECK(running.reported("1 fault in 1 mapping"));
  kill(running.pid(), SIGTERM);
  CHECK(running.finish().how == exited(0));
}

TEST_CASE("Ctrl-C on the terminal reaches the program once and the tool waits for it") {
  int terminal = -1;
  fflush(nullptr);
  const pid_t leader = forkpty(&terminal, nullptr, nullptr, nullptr);
  REQUIRE(leader >= 0);
  if (leader == 0) {
    setenv("NOSIGBUS_PRELOAD", NOSIGBUS_TEST_STAND_IN, 1);
    execl("/bin/sh", "sh", "-c",
          "trap : INT; " NOSIGBUS_TEST_RUN
          " sh -c 'trap \"echo in\"terrupt INT; echo go; read x; read x; exit 5'; echo status $?",
          nullptr);
    _exit(99);
  }
  std::string text;
  const auto comes = [&](const std::string& what) {
    char part[256];
    ssize_t got = 0;
    while (text.find(what) == std::string::npos && (got = read(terminal, part, sizeof part)) > 0) {
      text.append(part, static_cast<size_t>(got));
    }
    return text.find(what) != std::string::npos;
  };
  alarm(20);
  CHECK(comes("go"));
  CHECK(write(terminal, "\003", 1) == 1);
  CHECK(comes("interrupt"));
  CHECK(write(terminal, "a\nb\n", 4) == 4);
  CHECK(comes("status 5"));
  alarm(0);
  CHECK(text.find("interrupt") == text.rfind("interrupt"));
  wait_for(leader, 10);
  close(terminal);
}
