// SPDX-License-Identifier: MIT
#include <errno.h>
#include <nosigbus/backtrace.h>
#include <src/backtrace/inside/collect.h>
#include <src/shared/fork_wiped.h>
#include <ucontext.h>

namespace nosigbus::backtrace {

namespace {

bool make_work_spaces() {
  work_spaces* spaces = g_work_spaces.load(std::memory_order_acquire);
  if (spaces != nullptr) return true;
  work_spaces* const fresh = reinterpret_cast<work_spaces*>(map_fork_wiped(sizeof(work_spaces)));
  if (fresh == nullptr) return false;
  if (!g_work_spaces.compare_exchange_strong(spaces, fresh, std::memory_order_acq_rel)) {
    unmap_fork_wiped(reinterpret_cast<uintptr_t>(fresh), sizeof(work_spaces));  // another thread was faster
  }
  return true;
}

// Whether memory can be read through the kernel: 0 or -errno.
int try_reading() {
  long from = 0, to;
  stack_memory memory;
  memory.begin();
  return static_cast<int>(memory.copy(&to, reinterpret_cast<uintptr_t>(&from), sizeof from));
}

// Brings in what the first fault is to find there: a work space, this code, what it reads of the modules.
void warm_up() {
  ucontext_t here;
  uintptr_t chain[8];
  if (getcontext(&here) == 0) collect(&here, chain, sizeof chain / sizeof *chain);
}

}  // namespace

}  // namespace nosigbus::backtrace

using namespace nosigbus;

int nosigbus_backtrace_enable(void) noexcept {
  if (const int error = backtrace::try_reading()) return error;
  if (!backtrace::make_work_spaces()) return -ENOMEM;
  backtrace::warm_up();
  return nosigbus_collect_chains(backtrace::collect);
}

int nosigbus_backtrace_disable(void) noexcept { return nosigbus_collect_chains(nullptr); }

size_t nosigbus_backtrace_collect(void* ucontext, uintptr_t* chain, size_t most) noexcept {
  return backtrace::collect(ucontext, chain, most);
}
