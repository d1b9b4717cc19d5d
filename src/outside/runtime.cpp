// SPDX-License-Identifier: MIT
//
// Installing the handler, taking it away, asking about it.
#include <errno.h>
#include <nosigbus/runtime.h>
#include <pthread.h>
#include <src/inside/region_facts.h>
#include <src/outside/actions.h>
#include <src/outside/extable.h>
#include <src/outside/runtime.h>
#include <src/outside/versioned_struct.h>
#include <src/shared/actions.h>
#include <src/shared/counters.h>
#include <src/shared/thread_state.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

namespace nosigbus {

size_t g_page_size = 4096;

namespace {

// Guards everything below and the writes to g_signal_slots and g_install_flags. Never taken in a signal
// handler.
constinit pthread_mutex_t g_mutex = PTHREAD_MUTEX_INITIALIZER;
constinit bool g_installed = false;
constinit bool g_writes_to_overlays = false;

class scoped_mutex {
 public:
  scoped_mutex() { pthread_mutex_lock(&g_mutex); }
  ~scoped_mutex() { pthread_mutex_unlock(&g_mutex); }
  scoped_mutex(const scoped_mutex&) = delete;
  scoped_mutex& operator=(const scoped_mutex&) = delete;
};

void before_fork() { pthread_mutex_lock(&g_mutex); }
void after_fork() { pthread_mutex_unlock(&g_mutex); }

__attribute__((constructor(101))) void prepare() {
  g_page_size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  // The loader's random bytes are there in every process, without a system call (getauxval(3)).
  memcpy(&g_secret, reinterpret_cast<const void*>(getauxval(AT_RANDOM)), sizeof g_secret);
  pthread_atfork(before_fork, after_fork, after_fork);
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == nosigbus_on_signal;
}

struct sigaction our_action(const previous_action& previous) {
  return actions::in_front_of(previous, nosigbus_on_signal);
}

bool taken(const signal_slot& slot) { return slot.taken.load(std::memory_order_relaxed); }

// Puts our handler on top of whatever is there, unless it is ours already.
int take(signal_slot& slot) {
  struct sigaction current;
  if (sigaction(slot.signo, nullptr, &current) != 0) return -errno;
  if (is_ours(current)) {
    slot.taken.store(true, std::memory_order_relaxed);
    return 0;
  }
  for (;;) {
    const previous_action* const previous = actions::intern(current);
    if (previous == nullptr) return -ENOMEM;
    // Before our handler can run: it needs to know whom to call. Who comes back after having left is not
    // before itself.
    const previous_action* const before = slot.previous.load(std::memory_order_relaxed);
    if (taken(slot) && before != previous) {
      slot.before_rearm.store(before, std::memory_order_release);
      slot.serial.store((slot.serial.load(std::memory_order_relaxed) + 1) & serial_flags,
                        std::memory_order_relaxed);
    }
    slot.previous.store(previous, std::memory_order_release);
    struct sigaction ours = our_action(*previous);
    ours.sa_flags |= static_cast<int>(slot.serial.load(std::memory_order_relaxed));
    struct sigaction replaced;
    if (sigaction(slot.signo, &ours, &replaced) != 0) return -errno;
    slot.taken.store(true, std::memory_order_relaxed);
    if (is_ours(replaced) || actions::intern(replaced) == previous) return 0;
    current = replaced;  // somebody else installed one between our two calls: that one is the previous
  }
}

bool displaced(const signal_slot& slot) {
  struct sigaction current;
  return sigaction(slot.signo, nullptr, &current) == 0 && !is_ours(current);
}

bool wants(const signal_slot& slot) {
  return slot.signo == SIGBUS || g_writes_to_overlays ||
         (g_install_flags.load(std::memory_order_relaxed) & NOSIGBUS_CATCH_SEGV) != 0;
}

int take_what_is_wanted() {
  for (signal_slot& slot : g_signal_slots) {
    if (!wants(slot) || taken(slot)) continue;
    if (const int error = take(slot)) return error;
  }
  return 0;
}

}  // namespace

int runtime::watch_writes_to_overlays() {
  const scoped_mutex mutex;
  if (g_writes_to_overlays) return 0;
  g_writes_to_overlays = true;
  const int error = g_installed ? take_what_is_wanted() : 0;
  if (error != 0) g_writes_to_overlays = false;
  return error;
}

}  // namespace nosigbus

using namespace nosigbus;

int nosigbus_install(unsigned flags) noexcept {
  if ((flags & ~NOSIGBUS_CATCH_SEGV) != 0) return -EINVAL;
  // Not under our mutex: fork takes the rows' before ours.
  extable::keep_rows_at_exit();
  const scoped_mutex mutex;
  g_install_flags.fetch_or(flags, std::memory_order_relaxed);
  if (const int error = take_what_is_wanted()) return error;
  g_installed = true;
  return 0;
}

int nosigbus_uninstall() noexcept {
  const scoped_mutex mutex;
  if (!g_installed) return -ENOENT;
  if (g_counters.regions.load(std::memory_order_relaxed) != 0) return -EBUSY;
  for (const signal_slot& slot : g_signal_slots) {
    if (taken(slot) && displaced(slot)) return -EBUSY;
  }
  for (signal_slot& slot : g_signal_slots) {
    if (!taken(slot)) continue;
    const struct sigaction previous = actions::to_sigaction(*slot.previous.load(std::memory_order_acquire));
    if (sigaction(slot.signo, &previous, nullptr) != 0) return -errno;
    slot.before_rearm.store(nullptr, std::memory_order_relaxed);
    slot.taken.store(false, std::memory_order_relaxed);
  }
  g_install_flags.store(0, std::memory_order_relaxed);
  g_writes_to_overlays = false;
  g_installed = false;
  return 0;
}

int nosigbus_check() noexcept {
  bool any = false;
  for (const signal_slot& slot : g_signal_slots) {
    if (!taken(slot)) continue;
    any = true;
    if (displaced(slot)) return -EBUSY;
  }
  if (!any) return -ENOENT;
  sigset_t blocked;
  if (pthread_sigmask(SIG_SETMASK, nullptr, &blocked) == 0 && sigismember(&blocked, SIGBUS) == 1)
    return -EPERM;
  return 0;
}

int nosigbus_rearm() noexcept {
  const scoped_mutex mutex;
  if (!g_installed) return -ENOENT;
  for (signal_slot& slot : g_signal_slots) {
    if (!taken(slot)) continue;
    if (const int error = take(slot)) return error;
  }
  return 0;
}

int nosigbus_stats(struct nosigbus_stats* out, size_t size) noexcept {
  if (out == nullptr || size == 0) return -EINVAL;
  const auto load = [](const counters::counter& c) { return c.load(std::memory_order_relaxed); };
  struct nosigbus_stats now {};
  now.absorbed_by_region = load(g_counters.absorbed_by_region);
  now.absorbed_by_operation = load(g_counters.absorbed_by_operation);
  now.absorbed_by_guard = load(g_counters.absorbed_by_guard);
  now.absorbed = now.absorbed_by_region + now.absorbed_by_operation + now.absorbed_by_guard;
  now.overlays = load(g_counters.overlays);
  now.chained = load(g_counters.chained);
  now.regions = load(g_counters.regions);
  copy_versioned(out, size, &now, sizeof now);
  return 0;
}
