// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <errno.h>
#include <sched.h>
#include <src/preload/inside/errands.h>
#include <src/preload/state.h>
#include <sys/resource.h>
#include <sys/wait.h>

// Of the C library (sys/single_threaded.h) since 2.32: true only while there was no second thread.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" __attribute__((weak)) char __libc_single_threaded;

namespace nosigbus::preload::errands {

namespace {

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

struct job {
  long (*act)(void*);
  void* argument;
  bool raise_limit;
  bool done;
  long result;
};

// Without a copy of the program's table: a file that it closes meanwhile is closed.
bool take_empty_table() {
  constexpr long unshare_it = 1u << 1;  // CLOSE_RANGE_UNSHARE
  return !sys::failed(sys::raw_syscall(SYS_close_range, 0, ~0u, unshare_it));
}

bool take_table() {
  if (take_empty_table()) return true;
  // Before Linux 5.9: a copy, for the moment, with room for one more.
  if (sys::failed(sys::raw_syscall(SYS_unshare, CLONE_FILES))) return false;
  sys::close(0);
  return true;
}

int work(void* given) {
  job& mine = *static_cast<job*>(given);
  if (!take_table()) return 0;
  if (mine.raise_limit) {
    rlimit limit{};
    if (sys::raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, reinterpret_cast<long>(&limit)) == 0) {
      limit.rlim_cur = limit.rlim_max;
      sys::raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, reinterpret_cast<long>(&limit), 0);
    }
  }
  mine.result = mine.act(mine.argument);
  mine.done = true;
  return 0;
}

enum class place { thread, process };

// Whether it was done. We wait for it (CLONE_VFORK), and it has our thread pointer meanwhile.
bool run_in(place where, job& given) {
  alignas(16) static constinit char g_stack[8192];
  constexpr int memory = CLONE_VM | CLONE_FILES | CLONE_VFORK;
  constexpr int thread = CLONE_THREAD | CLONE_SIGHAND | CLONE_FS | CLONE_SYSVSEM;
  const bool process = where == place::process;
  given.raise_limit = process;
  given.done = false;
  const scoped_lock lock(g_state->errands);
  const int saved_errno = errno;
  const int child = clone(work, g_stack + sizeof g_stack, process ? memory : memory | thread, &given);
  // It ends without a signal.
  if (process && child > 0) sys::raw_syscall(SYS_wait4, child, 0, static_cast<long>(__WCLONE), 0);
  errno = saved_errno;
  return given.done;
}

bool program_has_one_thread() { return &__libc_single_threaded != nullptr && __libc_single_threaded != 0; }

bool has_own_table() {
  // Relaxed: who reads its own number has written it.
  const uint32_t tableless = g_state->tableless.load(std::memory_order_relaxed);
  return tableless != 0 && tableless == static_cast<uint32_t>(sys::raw_syscall(SYS_gettid));
}

}  // namespace

long run(long (*act)(void*), void* argument) {
  job given{act, argument, false, false, -EMFILE};
  if (program_has_one_thread() || has_own_table()) {
    const long result = act(argument);
    if (result != -EMFILE) return result;
  } else if (run_in(place::thread, given) && given.result != -EMFILE) {
    return given.result;
  }
  if (run_in(place::process, given)) return given.result;
  return act(argument);
}

void leave_table() {
  if (!take_empty_table()) return;
  g_state->tableless.store(static_cast<uint32_t>(sys::raw_syscall(SYS_gettid)), std::memory_order_relaxed);
}

void about_to_end() { g_state->tableless.store(0, std::memory_order_relaxed); }

}  // namespace nosigbus::preload::errands
