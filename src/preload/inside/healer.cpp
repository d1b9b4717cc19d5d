// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <src/inside/refresh.h>
#include <src/inside/region_facts.h>
#include <src/inside/way_back.h>
#include <src/preload/inside/books.h>
#include <src/preload/inside/diary.h>
#include <src/preload/inside/errands.h>
#include <src/preload/inside/healer.h>
#include <src/preload/inside/spare_mappings.h>
#include <src/shared/blueprint.h>
#include <src/shared/region_lock.h>
#include <src/shared/region_pool.h>
#include <src/shared/thread_state.h>
#include <time.h>

namespace nosigbus::preload::healer {

namespace {

constexpr long period = 50'000'000;  // ns; half of what is promised
constexpr size_t stack_size = size_t{64} << 10;
// On either side of where the thread register points, above the stack. Set before there is a handler.
constinit size_t g_thread_data = 0;

// shared_state::healer
constexpr uint32_t none = 0, at_work = 1;

constinit std::atomic<uintptr_t> g_stack{0};

bool damaged() { return any_guarded(); }

// seq_cst, with shared_state::healer: who wants the healer away sees it, or it sees that it is not wanted.
bool paused() { return g_state->pauses.load(std::memory_order_seq_cst) != 0; }

// Whether refresh would find anything to do: looks at the first page behind each overlay.
bool may_come_back(region_descriptor& region) {
  const scoped_signal_block no_signals;
  const region_lock lock(region, no_signals);
  if (region.overlays.empty()) return true;
  // There was no room for one (setrlimit(2), vm.max_map_count), and may be now.
  mapping_info front;
  if (region.shadow == 0 && region.shared && region.overlays[0].begin != 0 &&
      query_mapping(region.base, &front) == 0 && belongs(region, front, region.base)) {
    make_shadow(region);
  }
  for (unsigned i = 0; i < region.overlays.size() && region.shadow != 0; ++i) {
    if (supplied(region, region.overlays[i].begin)) return true;
  }
  return false;
}

void heal(region_descriptor& region) {
  if (!may_come_back(region)) return;
  const ours now = still_ours(region);
  if (now == ours::no) return forget(region);
  // Not to be found out: another turn may.
  if (now == ours::unknown) return;
  if (refresh(region) != 1) return;
  diary::note_healed(static_cast<journal_record*>(region.companion));
  forget(region);
}

// 0: not known (a filter of system calls).
long now() {
  timespec time{};
  sys::raw_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, reinterpret_cast<long>(&time));
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

// Regions one by one, each with the books locked for itself: the program's own calls wait no longer than
// that.
void heal_all() {
  constexpr long slice = 1'000'000;
  const timespec rest{0, 100'000};
  long begun = now();
  for (uint32_t index = 0; region_descriptor* const region = region_pool::descriptor(index); ++index) {
    if (!region->live.load(std::memory_order_acquire)) continue;
    {
      const books_lock lock(books_lock::holder::healer);
      if (region->live.load(std::memory_order_relaxed)) heal(*region);
    }
    // Taken again at once, the lock would be ours before anybody who waits for it is awake.
    if (now() - begun < slice) continue;
    sys::raw_syscall(SYS_nanosleep, reinterpret_cast<long>(&rest), 0);
    begun = now();
  }
}

void heal_until_whole() {
  long turn = period;
  for (;;) {
    const timespec sleep{turn / 1'000'000'000, turn % 1'000'000'000};
    // Until somebody wants us away.
    sys::raw_syscall(SYS_futex, reinterpret_cast<long>(&g_state->pauses), FUTEX_WAIT, 0,
                     reinterpret_cast<long>(&sleep));
    if (!paused()) {
      const long begun = now();
      heal_all();
      keep_spare_mappings();
      // Whoever damages thousands of mappings is not to have us busy with nothing else.
      const long ended = now(), took = begun == 0 ? 0 : ended - begun;
      turn = took * 9 < period ? period : took * 9;
      if (damaged()) continue;
    }
    g_state->healer.store(none, std::memory_order_seq_cst);
    // Damaged since we looked: either who did it saw nobody at work, and starts another, or we go on.
    if (paused() || !damaged()) return;
    uint32_t nobody = none;
    if (!g_state->healer.compare_exchange_strong(nobody, at_work, std::memory_order_seq_cst)) return;
  }
}

int work(void*) {
  g_state->last_healer.store(g_state->healer_thread.load(std::memory_order_relaxed),
                             std::memory_order_relaxed);
  errands::leave_table();
  heal_until_whole();
  errands::about_to_end();
  return 0;
}

uintptr_t thread_pointer(uintptr_t stack) { return stack + stack_size + g_thread_data; }

uintptr_t stack() {
  uintptr_t known = g_stack.load(std::memory_order_acquire);
  if (known != 0) return known;
  const long fresh = sys::mmap(0, stack_size + 2 * g_thread_data, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (sys::failed(fresh)) return 0;
  // The first word is the thread pointer itself on x86_64 (System V ABI, thread-local storage), and nobody's
  // business elsewhere.
  const uintptr_t pointer = thread_pointer(static_cast<uintptr_t>(fresh));
  *reinterpret_cast<uintptr_t*>(pointer) = pointer;
  g_stack.store(static_cast<uintptr_t>(fresh), std::memory_order_release);
  return static_cast<uintptr_t>(fresh);
}

// The one before may still be on its last instructions, on the same stack.
void wait_until_gone() {
  while (const uint32_t thread = g_state->healer_thread.load(std::memory_order_acquire)) {
    // Not a private one: the kernel's wake-up is not (clone(2)).
    sys::raw_syscall(SYS_futex, reinterpret_cast<long>(&g_state->healer_thread), FUTEX_WAIT,
                     static_cast<long>(thread), 0);
  }
}

// The kernel clears healer_thread first, and takes the thread off the process's list a moment later: only
// then is there one thread for unshare(2) and its like. Once, and for so long at most: the number may be
// another thread's some day; in a child of fork it is nobody's.
void wait_until_off_the_list() {
  const long thread = g_state->last_healer.load(std::memory_order_relaxed);
  const timespec moment{0, 100'000};
  for (int looks = 0; thread != 0 && looks < 1000; ++looks) {
    if (sys::failed(sys::raw_syscall(SYS_tgkill, own_pid(), thread, 0))) break;
    sys::raw_syscall(SYS_nanosleep, reinterpret_cast<long>(&moment), 0);
  }
  g_state->last_healer.store(0, std::memory_order_relaxed);
}

}  // namespace

void measure_thread_data() {
  const uintptr_t thread = pthread_self(), last = reinterpret_cast<uintptr_t>(&errno);
  const size_t distance = last < thread ? thread - last : last - thread;
  g_thread_data = round_up(distance, g_page_size) + g_page_size;
}

void wake() {
  if (paused() || g_state->healer.load(std::memory_order_seq_cst) != none) return;
  // The thread inherits the mask. And nobody interrupts us, and leaves by longjmp or waits for the healer,
  // while it is said to be at work and is not.
  const scoped_signal_block no_signals;
  // It would end with the child, at work for ever.
  if (in_vfork_child()) return;
  uint32_t nobody = none;
  if (!g_state->healer.compare_exchange_strong(nobody, at_work, std::memory_order_seq_cst)) return;
  if (paused()) return g_state->healer.store(none, std::memory_order_seq_cst);
  const int saved_errno = errno;
  wait_until_gone();
  const uintptr_t base = stack();
  constexpr int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                        CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  const uintptr_t top = base + stack_size;
  void* const word = &g_state->healer_thread;
  const int thread = base == 0 ? -1
                               : clone(work, reinterpret_cast<void*>(top), flags, nullptr, word,
                                       reinterpret_cast<void*>(thread_pointer(base)), word);
  errno = saved_errno;
  // Relaxed, no partner: whoever comes by tries again, or the next one does.
  g_state->healer_missed.store(thread < 0, std::memory_order_relaxed);
  if (thread < 0) g_state->healer.store(none, std::memory_order_seq_cst);
}

void pause() {
  g_state->pauses.fetch_add(1, std::memory_order_seq_cst);
  const timespec moment{0, 1'000'000};
  while (g_state->healer.load(std::memory_order_seq_cst) != none) {
    sys::raw_syscall(SYS_futex, reinterpret_cast<long>(&g_state->pauses), FUTEX_WAKE, 1);
    sys::raw_syscall(SYS_nanosleep, reinterpret_cast<long>(&moment), 0);
  }
  wait_until_gone();
  wait_until_off_the_list();
}

void resume(next then) {
  uint32_t count = g_state->pauses.load(std::memory_order_relaxed);
  // 0 in a child that was forked in between.
  while (count != 0 && !g_state->pauses.compare_exchange_weak(count, count - 1, std::memory_order_seq_cst)) {
  }
  if (then == next::nobody) g_state->healer_missed.store(0, std::memory_order_relaxed);
  if (then == next::healer_if_needed && damaged()) wake();
}

void wake_if_missed() {
  if (g_state != nullptr && g_state->healer_missed.load(std::memory_order_relaxed) != 0 && damaged()) wake();
}

}  // namespace nosigbus::preload::healer
