// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <src/wayland/reports.h>

namespace nosigbus::wayland {

namespace {

// Held for a few instructions, and for looking at a region's status. Nobody touches a view's memory with it,
// and no callback is called.
pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;

// Under the lock.
constinit unsigned g_listeners = 0;
constinit nosigbus_wl_view* g_unheard = nullptr;  // by next_unheard

// Its address marks the user data of regions as ours.
constexpr char tag = 0;

class scoped_hold {
 public:
  scoped_hold() { pthread_mutex_lock(&g_lock); }
  ~scoped_hold() { pthread_mutex_unlock(&g_lock); }
  scoped_hold(const scoped_hold&) = delete;
  scoped_hold& operator=(const scoped_hold&) = delete;
};

struct nosigbus_region_status status_of(const nosigbus_wl_view& view) {
  struct nosigbus_region_status status {};
  nosigbus_region_status(view.memory.region, &status, sizeof status);
  return status;
}

}  // namespace

void report_for(nosigbus_wl_view& view) {
  const scoped_hold hold;
  nosigbus_region_set_user_data(view.memory.region, &tag, &view);
}

nosigbus_wl_view* find_view(const nosigbus_region* region) {
  const scoped_hold hold;
  void* const found = nosigbus_region_user_data(region, &tag);
  return found == nullptr ? nullptr : nosigbus_wl_view_ref(static_cast<nosigbus_wl_view*>(found));
}

bool give_up(nosigbus_wl_view& view) {
  uint32_t count = view.references.load(std::memory_order_relaxed);
  while (count > 1) {
    // release: partner is the last one's acquire below.
    if (view.references.compare_exchange_weak(count, count - 1, std::memory_order_release,
                                              std::memory_order_relaxed)) {
      return false;
    }
  }
  const scoped_hold hold;
  if (view.references.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
  // Its event would be dropped with the region. What made it due has woken the main thread.
  if (g_listeners != 0 && status_of(view).faults != view.told) {
    view.references.store(1, std::memory_order_relaxed);
    view.next_unheard = g_unheard;
    g_unheard = &view;
    return false;
  }
  nosigbus_region_set_user_data(view.memory.region, nullptr, nullptr);
  return true;
}

nosigbus_wl_view* next_unheard() {
  const scoped_hold hold;
  nosigbus_wl_view* const view = g_unheard;
  if (view != nullptr) g_unheard = view->next_unheard;
  return view;
}

bool anything_to_tell(nosigbus_wl_view& view, struct nosigbus_region_status& status) {
  const scoped_hold hold;
  status = status_of(view);
  if (status.faults == view.told) return false;
  view.told = status.faults;
  return true;
}

void begin_to_listen() {
  const scoped_hold hold;
  ++g_listeners;
}

void cease_to_listen() {
  {
    const scoped_hold hold;
    if (--g_listeners != 0) return;
  }
  while (nosigbus_wl_view* const view = next_unheard()) nosigbus_wl_view_unref(view);
}

}  // namespace nosigbus::wayland
