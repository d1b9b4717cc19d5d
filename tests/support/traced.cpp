// SPDX-License-Identifier: MIT
#include "traced.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <cstdlib>

namespace test {

namespace {

// PTRACE_O_TRACESYSGOOD
constexpr int call_stop = SIGTRAP | 0x80;

}  // namespace

void traced::be_traced() {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(98);
  raise(SIGSTOP);
}

void traced::attach() {
  int status = 0;
  if (waitpid(id_, &status, 0) != id_ || !WIFSTOPPED(status)) {
    perror("the child is not to be traced");
    abort();
  }
  ptrace(PTRACE_SETOPTIONS, id_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC);
}

traced::~traced() {
  if (ended_) return;
  kill(id_, SIGKILL);
  waitpid(id_, nullptr, 0);
}

traced::stop traced::go() { return resume(PTRACE_CONT); }
traced::stop traced::go_to_call() { return resume(PTRACE_SYSCALL); }
traced::stop traced::step() { return resume(PTRACE_SINGLESTEP); }

traced::stop traced::resume(int request) {
  int status = 0;
  ptrace(static_cast<__ptrace_request>(request), id_, nullptr, signo_);
  signo_ = 0;
  if (waitpid(id_, &status, 0) != id_) abort();
  if (!WIFSTOPPED(status)) {
    ended_ = true;
    if (WIFEXITED(status)) how_.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) how_.signo = WTERMSIG(status);
    return stop::end;
  }
  // It is another program from here on.
  if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) return resume(request);
  const int signo = WSTOPSIG(status);
  if (signo == call_stop) {
    struct __ptrace_syscall_info info {};
    ptrace(PTRACE_GET_SYSCALL_INFO, id_, sizeof info, &info);
    call_ = info.op == PTRACE_SYSCALL_INFO_ENTRY ? static_cast<long>(info.entry.nr) : -1;
    return stop::call;
  }
  if (signo == SIGTRAP && request == PTRACE_SINGLESTEP) return stop::instruction;
  signo_ = signo;
  return stop::signal;
}

}  // namespace test
