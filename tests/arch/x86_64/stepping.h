// SPDX-License-Identifier: MIT
//
// Where a traced process stands.
#pragma once

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>

#include <cstdint>

namespace test {

class position {
 public:
  explicit position(pid_t id) : id_(id) { ptrace(PTRACE_GETREGS, id, nullptr, &registers_); }

  uintptr_t pc() const { return registers_.rip; }
  const user_regs_struct& registers() const { return registers_; }
  // The next instruction is the system call that ends a signal handler.
  bool leaves_handler() const {
    if (registers_.rax != SYS_rt_sigreturn) return false;
    constexpr unsigned long syscall_instruction = 0x050f;
    const long code = ptrace(PTRACE_PEEKTEXT, id_, registers_.rip, nullptr);
    return (static_cast<unsigned long>(code) & 0xffff) == syscall_instruction;
  }

 private:
  pid_t id_;
  user_regs_struct registers_{};
};

}  // namespace test
