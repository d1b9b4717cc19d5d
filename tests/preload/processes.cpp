// SPDX-License-Identifier: MIT
//
// Programs that make others, become somebody else, or close everything.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "scenario.h"

extern char** environ;

using namespace preload_test;

namespace {

int status_of(pid_t child) {
  int status = -1;
  EXPECT(waitpid(child, &status, 0) == child);
  return status;
}

}  // namespace

SCENARIO(children_of_fork) {
  const mapped_file file(4), inherited(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
  const pid_t child = fork();
  if (child == 0) {
    EXPECT(file[2 * page] == 0);
    inherited.truncate(0);
    EXPECT(inherited[page] == 0);
    fault_and_unmap();
    inherited.grow_back(3);
    file.grow_back(5);
    EXPECT(becomes(inherited[page], 3));
    EXPECT(becomes(file[2 * page], 5));
    _exit(0);
  }
  EXPECT(status_of(child) == 0);
  EXPECT(becomes(file[page], 5));
}

SCENARIO(children_of_clone) {
  const long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    fault_and_unmap();
    _exit(0);
  }
  EXPECT(status_of(static_cast<pid_t>(child)) == 0);
}

// A child of vfork resets its signals, as shells and launchers do: not its parent's.
SCENARIO(children_of_vfork) {
  static volatile sig_atomic_t calls;
  struct sigaction action {};
  action.sa_handler = [](int) { calls = calls + 1; };
  EXPECT(sigaction(SIGBUS, &action, nullptr) == 0);
  char* const arguments[] = {const_cast<char*>("true"), nullptr};
  const pid_t child = vfork();
  if (child == 0) {
    signal(SIGBUS, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execv("/bin/true", arguments);
    _exit(127);
  }
  EXPECT(status_of(child) == 0);
  EXPECT(raise(SIGBUS) == 0);
  EXPECT(calls == 1);
  fault_and_unmap();
  EXPECT(calls == 2);
}

// Not even where it is the first to ask who it is.
SCENARIO(children_of_vfork_before_anything_else) {
  const pid_t child = vfork();
  if (child == 0) {
    signal(SIGBUS, SIG_IGN);
    _exit(0);
  }
  EXPECT(status_of(child) == 0);
  EXPECT(signal(SIGBUS, SIG_DFL) == SIG_DFL);
  fault_and_unmap();
}

// It cannot have a healer, and must not leave its parent without one.
SCENARIO(a_child_of_vfork_faults) {
  const mapped_file file(4), other(4);
  file.truncate(0);
  char* const arguments[] = {const_cast<char*>("true"), nullptr};
  const pid_t child = vfork();
  if (child == 0) {
    if (file[page] == 0) execv("/bin/true", arguments);
    _exit(127);
  }
  EXPECT(status_of(child) == 0);
  alarm(5);
  EXPECT(setgid(getgid()) == 0);
  other.truncate(0);
  EXPECT(other[page] == 0);
  file.grow_back(5);
  other.grow_back(6);
  EXPECT(becomes(file[page], 5));
  EXPECT(becomes(other[page], 6));
}

SCENARIO(children_of_posix_spawn) {
  char* const arguments[] = {const_cast<char*>("preload_victim"), const_cast<char*>("memory_files"), nullptr};
  pid_t child;
  EXPECT(posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments, environ) == 0);
  EXPECT(status_of(child) == 0);
}

SCENARIO(exec_with_sigbus_blocked) {
  sigset_t all;
  sigfillset(&all);
  EXPECT(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, nullptr, 8) == 0);
  execl("/proc/self/exe", "preload_victim", "memory_files", nullptr);
}

SCENARIO(everything_is_closed) {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(syscall(SYS_close_range, 3, ~0u, 0) == 0);
  EXPECT(file[page] == 0);
}

SCENARIO(another_user) {
  if (getuid() != 0) return;
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
  EXPECT(setgid(65534) == 0);
  EXPECT(setuid(65534) == 0);
  EXPECT(file[2 * page] == 0);
  fault_and_unmap();
  file.grow_back(5);
  EXPECT(becomes(file[page], 5));
}

// Each thread gives it up for itself: none is left behind that has it.
SCENARIO(no_new_privileges_while_damaged) {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
  EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  usleep(20'000);
  unsigned threads = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(task.path() / "status");
    const std::string text{std::istreambuf_iterator<char>(status), {}};
    EXPECT(text.find("NoNewPrivs:\t1") != std::string::npos);
    ++threads;
  }
  EXPECT(threads == 2);
  file.grow_back(5);
  EXPECT(becomes(file[page], 5));
}

// The kernel lets only a process of one thread do this.
SCENARIO(another_namespace_while_damaged) {
  const mapped_file file(4);
  file.truncate(0);
  const unsigned long before = count_entries("/proc/self/task");
  EXPECT(before == 1);
  EXPECT(file[page] == 0);
  // Where user namespaces are forbidden there is nothing to be seen.
  if (unshare(CLONE_NEWUSER) != 0) EXPECT(errno != EINVAL);
  file.grow_back(5);
  EXPECT(becomes(file[page], 5));
}

SCENARIO(no_right_to_a_descriptor) {
  const mapped_file file(4);
  file.truncate(0);
  rlimit limit{};
  EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = 0;
  EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  EXPECT(file[page] == 0);
  EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 0);
}

SCENARIO(no_descriptor_to_spare) {
  const mapped_file file(4);
  file.truncate(0);
  int last = -1;
  while (const int fd = open("/dev/null", O_RDONLY)) {
    if (fd < 0) break;
    last = fd;
  }
  EXPECT(last > 3);
  EXPECT(file[page] == 0);
}
