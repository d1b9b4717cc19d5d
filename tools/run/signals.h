// SPDX-License-Identifier: MIT
//
// Signals while the program runs: it gets what is meant for it, the terminal and the parent see one process.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>

namespace nosigbus::run {

// All of them, as long as it lives.
class blocked_signals {
 public:
  blocked_signals();
  ~blocked_signals();
  blocked_signals(const blocked_signals&) = delete;
  blocked_signals& operator=(const blocked_signals&) = delete;
  const sigset_t& before() const { return before_; }
  // 0, or why they are not blocked.
  int error() const { return error_; }

 private:
  sigset_t before_;
  int error_;
};

// From now on signals go to that process. Each one that is ours (SIGCHLD, SIGUSR2) adds to g_wakes, and to
// *news. With all signals blocked.
void forward_signals(pid_t program, std::atomic<uint32_t>* news);
// Lets all signals through; then, whether those that are ours will end a wait.
bool open_signals();
// The process has been waited for, and its number is free. With all signals blocked.
void stop_forwarding();

// Signals that were ours. Written by the handler (relaxed: the same thread reads it).
extern std::atomic<uint32_t> g_wakes;
// Whether SIGUSR2 came since the last call.
bool take_report_request();

// Stops this process as the program was stopped; returns when somebody continues it.
void stop_by(int signo);
// Ends this process by a signal, as the program ended, without a core of its own.
[[noreturn]] void die_by(int signo);

}  // namespace nosigbus::run
