// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Whose memory this is: a child of vfork runs in its parent's. What getpid(2) says is noted where fork clears
// it; a child of vfork finds another number there than its own. But a process that was made by clone(2) or
// _Fork(3), of which we do not hear, may have noted nothing when it makes such a child.
#include <linux/kcmp.h>
#include <src/preload/state.h>

namespace nosigbus::preload {

namespace {

// As noted last, here or in the process that this one was forked from.
constinit std::atomic<int32_t> g_last_noted{0};  // relaxed, no partner

int32_t ask_pid() { return static_cast<int32_t>(sys::raw_syscall(SYS_getpid)); }
int32_t ask_parent() { return static_cast<int32_t>(sys::raw_syscall(SYS_getppid)); }

// What a filter of system calls refuses to tell is no number.
void note(int32_t pid) {
  if (pid <= 0) return;
  g_last_noted.store(pid, std::memory_order_relaxed);
  g_state->pid.store(pid, std::memory_order_relaxed);
}

// Where the kernel does not say (a filter of system calls, another user's parent), no.
bool shares_memory_with(int32_t parent, int32_t pid) {
  return parent > 0 && sys::raw_syscall(SYS_kcmp, parent, pid, KCMP_VM, 0, 0) == 0;
}

// Of a process in whose memory nothing is noted: it was forked, or is the first child that one makes by
// vfork.
bool is_first_child_of_vfork(int32_t pid) {
  const int32_t parent = ask_parent();
  // A fork of the process that noted its number last.
  if (parent == g_last_noted.load(std::memory_order_relaxed)) return false;
  return shares_memory_with(parent, pid);
}

}  // namespace

void note_own_pid() { note(ask_pid()); }

int32_t own_pid() {
  const int32_t noted = g_state->pid.load(std::memory_order_relaxed);
  if (noted != 0) return noted;
  const int32_t pid = ask_pid(), own = is_first_child_of_vfork(pid) ? ask_parent() : pid;
  note(own);
  return own;
}

bool in_vfork_child() { return own_pid() != ask_pid(); }

}  // namespace nosigbus::preload
