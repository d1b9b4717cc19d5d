// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <nosigbus/events.h>
#include <src/inside/region_facts.h>
#include <src/outside/events.h>
#include <src/outside/file_watch.h>
#include <src/shared/call_chain.h>
#include <src/shared/fork_wiped.h>
#include <src/shared/region_lock.h>
#include <src/shared/region_pool.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace nosigbus {

namespace {

event_queue* make_queue() {
  event_queue* queue = g_event_queue.load(std::memory_order_acquire);
  if (queue != nullptr) return queue;
  event_queue* const fresh = reinterpret_cast<event_queue*>(map_fork_wiped(sizeof(event_queue)));
  if (fresh == nullptr) return nullptr;
  if (g_event_queue.compare_exchange_strong(queue, fresh, std::memory_order_acq_rel)) return fresh;
  unmap_fork_wiped(reinterpret_cast<uintptr_t>(fresh), sizeof(event_queue));
  return queue;  // another thread was faster
}

bool open_for_events(const event_queue& queue) { return queue.bell.load(std::memory_order_relaxed) != 0; }

bool poll_too(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  return fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

// The writing end can be read, too: where the program closes the other one, writing raises no SIGPIPE.
int open_pipe(int (&ends)[2]) {
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return -errno;
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", ends[1]);
  const long both = sys::open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (sys::failed(both)) return 0;
  sys::close(ends[1]);
  ends[1] = static_cast<int>(both);
  return 0;
}

// Nobody is listening; then the descriptors are there. 0 or -errno.
int open_descriptors(event_queue& queue) {
  int ends[2];
  if (const int error = open_pipe(ends)) return error;
  const int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);  // without it: faults alone
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct stat status;
  if (epoll < 0 || !poll_too(epoll, ends[0]) || !poll_too(epoll, inotify) || fstat(ends[1], &status) != 0) {
    const int error = -errno;
    for (const int fd : {ends[0], ends[1], inotify, epoll}) {
      if (fd >= 0) sys::close(fd);
    }
    return error;
  }
  queue.epoll = epoll;
  queue.pipe_read = ends[0];
  queue.inotify = inotify;
  queue.watches = nullptr;
  queue.bell_device = status.st_dev;
  queue.bell_inode = status.st_ino;
  queue.bell.store(ends[1] + 1, std::memory_order_seq_cst);
  return 0;
}

// Somebody has closed them. What the numbers stand for now is none of ours.
void forget_descriptors(event_queue& queue) {
  queue.bell.store(0, std::memory_order_seq_cst);
  queue.inotify = -1;
  region_pool::for_each_handle([&queue](region_descriptor& handle) { file_watch::end(queue, handle); });
}

uint64_t count_faults(const region_descriptor& handle) {
  uint64_t sum = 0;
  for (const region_descriptor* place = newest_place(handle); place != nullptr; place = place->older) {
    sum += place->faults.load(std::memory_order_seq_cst);
  }
  return sum;
}

// What was overlaid in this place, if anything: the first missing byte, and why.
void look_at_place(region_descriptor& place, nosigbus_event& event) {
  const scoped_signal_block no_signals;
  const region_lock lock(place, no_signals);
  const interval& ever = place.ever_overlaid;
  if (ever.begin == ever.end) return;
  const bool overlaid = !place.overlays.empty();
  const uint64_t offset = overlaid ? place.first_bad_offset : ever.begin;
  if (offset < event.offset) event.offset = offset;
  const nosigbus_cause cause = overlaid ? gravest_cause(place) : static_cast<nosigbus_cause>(ever.grade);
  if (cause > event.cause) event.cause = cause;
}

// Whether there is anything to tell. chain: for call_chain::most addresses, of the event from then on.
bool describe(region_descriptor& handle, nosigbus_event& event, uintptr_t* chain) {
  const region_descriptor& newest = *newest_place(handle);
  event = {};
  event.region = &handle;
  event.offset = UINT64_MAX;
  event.what = handle.news;
  event.count = count_faults(handle);
  event.file_size = file_size(newest);
  if (event.count != handle.reported) {
    event.what |= NOSIGBUS_EVENT_FAULT;
    event.chain = chain;
    event.chain_length = take_chain(handle, chain);
    for (region_descriptor* place = newest_place(handle); place != nullptr; place = place->older) {
      look_at_place(*place, event);
    }
  } else if (event.file_size != UINT64_MAX && bytes_within(newest, event.file_size) < newest.size) {
    event.offset = bytes_within(newest, event.file_size);
  }
  handle.news = 0;
  handle.reported = event.count;
  return event.what != 0;
}

// Everything that is queued moves to the end of `taken`, in the order in which it was queued.
void take_queued(event_queue& queue) {
  region_descriptor* first = nullptr;
  region_descriptor* at = queue.head.exchange(nullptr, std::memory_order_acquire);
  while (at != nullptr) {
    region_descriptor* const next = at->sync->next_queued.load(std::memory_order_relaxed);
    at->sync->next_queued.store(first, std::memory_order_relaxed);
    first = at;
    at = next;
  }
  if (queue.taken == nullptr) {
    queue.taken = first;
    return;
  }
  region_descriptor* last = queue.taken;
  while (region_descriptor* const next = last->sync->next_queued.load(std::memory_order_relaxed)) last = next;
  last->sync->next_queued.store(first, std::memory_order_relaxed);
}

// The next event of what was taken. False: there is none left.
bool next_event(event_queue& queue, nosigbus_event& event, uintptr_t* chain) {
  while (region_descriptor* const handle = queue.taken) {
    queue.taken = handle->sync->next_queued.load(std::memory_order_relaxed);
    // A visitor first: while the region is queued its descriptor stays, and as a visitor we keep it further.
    handle->sync->visitors.enter();
    const bool ended = handle->sync->queued.exchange(0, std::memory_order_acq_rel) == region_sync::abandoned;
    // Not live yet: its maker announces it again when it is.
    const bool live = !ended && handle->live.load(std::memory_order_acquire);
    const bool something = live && describe(*handle, event, chain);
    handle->sync->visitors.leave();
    if (ended) region_pool::give(*handle);
    if (something) return true;
  }
  return false;
}

int begin_dispatch(event_queue& queue) {
  const scoped_lock lock(queue.lock);
  if (!open_for_events(queue)) return 0;
  if (const long error = look_at_bell(queue, queue.pipe_read)) {
    if (error == -EBADF) forget_descriptors(queue);
    return static_cast<int>(error);
  }
  file_watch::look(queue);
  // In this order: who is queued in between rings again.
  char rings[256];
  // By the kernel alone: a thread that is cancelled in read(2) would keep the lock.
  while (sys::read(queue.pipe_read, rings, sizeof rings) == sizeof rings) {
  }
  take_queued(queue);
  return 0;
}

}  // namespace

namespace events {

void region_begins(region_descriptor& handle) {
  event_queue* const queue = g_event_queue.load(std::memory_order_acquire);
  // seq_cst, with `live` before it: who begins to listen finds the region, or we find the listener.
  if (queue == nullptr || queue->bell.load(std::memory_order_seq_cst) == 0) return;
  const scoped_lock lock(queue->lock);
  if (open_for_events(*queue)) file_watch::begin(*queue, handle);
  if (count_faults(handle) != handle.reported) announce(handle);
}

void region_ends(region_descriptor& handle) {
  event_queue* const queue = g_event_queue.load(std::memory_order_acquire);
  if (queue == nullptr) return;
  const scoped_lock lock(queue->lock);
  file_watch::end(*queue, handle);
}

}  // namespace events

}  // namespace nosigbus

using namespace nosigbus;

int nosigbus_event_fd(void) noexcept {
  event_queue* const queue = make_queue();
  if (queue == nullptr) return -ENOMEM;
  const scoped_lock lock(queue->lock);
  if (open_for_events(*queue)) return queue->epoll;
  if (const int error = open_descriptors(*queue)) return error;
  region_pool::for_each_handle([queue](region_descriptor& handle) {
    file_watch::begin(*queue, handle);
    if (count_faults(handle) != handle.reported) announce(handle);
  });
  // Queued for descriptors that somebody closed.
  if (queue->taken != nullptr || queue->head.load(std::memory_order_seq_cst) != nullptr) ring(*queue);
  return queue->epoll;
}

int nosigbus_dispatch(int (*callback)(const nosigbus_event* event, void* user), void* user) noexcept {
  if (callback == nullptr) return -EINVAL;
  event_queue* const queue = g_event_queue.load(std::memory_order_acquire);
  if (queue == nullptr) return 0;
  if (const int error = begin_dispatch(*queue)) return error;
  for (int delivered = 0;;) {
    nosigbus_event event;
    uintptr_t chain[call_chain::most];
    {
      const scoped_lock lock(queue->lock);
      if (!next_event(*queue, event, chain)) return delivered;
    }
    ++delivered;
    if (callback(&event, user) == 0) continue;
    const scoped_lock lock(queue->lock);
    if (queue->taken != nullptr) ring(*queue);
    return delivered;
  }
}
