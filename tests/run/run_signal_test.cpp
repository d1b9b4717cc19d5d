// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>

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

namespace {

// nosigbus-run that has just called vfork, its child in front of the first instruction with that signal
// pending. The program ends when there is a line to read.
pid_t tool_whose_child_gets(int signo, int input) {
  const pid_t tool = fork();
  if (tool == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    setenv("NOSIGBUS_PRELOAD", NOSIGBUS_TEST_STAND_IN, 1);
    dup2(input, STDIN_FILENO);
    execl(NOSIGBUS_TEST_RUN, "nosigbus-run", "sh", "-c", "read line; exit 42", nullptr);
    _exit(99);
  }
  int status = 0;
  CHILD_CHECK(waitpid(tool, &status, 0) == tool && WIFSTOPPED(status));
  CHILD_CHECK(ptrace(PTRACE_SETOPTIONS, tool, nullptr, PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL) == 0);
  CHILD_CHECK(ptrace(PTRACE_CONT, tool, nullptr, nullptr) == 0);
  CHILD_CHECK(waitpid(tool, &status, 0) == tool && status >> 8 == (SIGTRAP | PTRACE_EVENT_VFORK << 8));
  unsigned long child = 0;
  CHILD_CHECK(ptrace(PTRACE_GETEVENTMSG, tool, nullptr, &child) == 0);
  CHILD_CHECK(waitpid(static_cast<pid_t>(child), &status, __WALL) == static_cast<pid_t>(child));
  CHILD_CHECK(kill(static_cast<pid_t>(child), signo) == 0);
  CHILD_CHECK(ptrace(PTRACE_DETACH, child, nullptr, nullptr) == 0);
  CHILD_CHECK(ptrace(PTRACE_DETACH, tool, nullptr, nullptr) == 0);
  return tool;
}

}  // namespace

TEST_CASE("a stop that comes before the program stops the program") {
  for (const int signo : {SIGTSTP, SIGTTIN, SIGTTOU}) {
    CAPTURE(signo);
    for (const bool ignored : {false, true}) {
      const outcome how = in_child([signo, ignored] {
        setpgid(0, 0);
        signal(signo, ignored ? SIG_IGN : SIG_DFL);
        int ends[2];
        CHILD_CHECK(pipe2(ends, O_CLOEXEC) == 0);
        const pid_t tool = tool_whose_child_gets(signo, ends[0]);
        if (!ignored) {
          int status = 0;
          CHILD_CHECK(waitpid(tool, &status, WUNTRACED) == tool);
          CHILD_CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == signo);
          kill(tool, SIGCONT);
        }
        CHILD_CHECK(write(ends[1], "\n", 1) == 1);
        CHILD_CHECK(wait_for(tool, 10) == exited(42));
        return 0;
      });
      CHECK(how == exited(0));
    }
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
