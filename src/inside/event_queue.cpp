// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <errno.h>
#include <src/shared/call_chain.h>
#include <src/shared/event_queue.h>
#include <sys/stat.h>

namespace nosigbus {

constinit std::atomic<event_queue*> g_event_queue{nullptr};

long look_at_bell(const event_queue& queue, int fd) {
  struct stat status {};
  const long result = sys::fstat(fd, &status);
  if (sys::failed(result)) return result;
  return status.st_dev == queue.bell_device && status.st_ino == queue.bell_inode ? 0 : -EBADF;
}

void ring(const event_queue& queue) {
  const int fd = queue.bell.load(std::memory_order_seq_cst) - 1;
  // A full pipe is readable, too.
  if (fd >= 0 && look_at_bell(queue, fd) == 0) sys::write(fd, "", 1);
}

void announce(region_descriptor& handle) {
  event_queue* const queue = g_event_queue.load(std::memory_order_acquire);
  // seq_cst, with the count of faults before it: who begins to listen finds one of the two.
  if (queue == nullptr || queue->bell.load(std::memory_order_seq_cst) == 0) return;
  if (handle.sync->queued.exchange(region_sync::in_queue, std::memory_order_acq_rel) != 0) return;
  region_descriptor* head = queue->head.load(std::memory_order_relaxed);
  do {
    handle.sync->next_queued.store(head, std::memory_order_relaxed);
    // seq_cst, which includes release: who takes the list finds the links; and who opens a new bell finds the
    // list, or ring() finds the bell.
  } while (!queue->head.compare_exchange_weak(head, &handle, std::memory_order_seq_cst,
                                              std::memory_order_relaxed));
  ring(*queue);
}

bool leaves_queue(region_descriptor& handle) {
  take_chain(handle, nullptr);  // no handler is at work in the region any more, and nobody will tell of it
  uint32_t queued = region_sync::in_queue;
  if (handle.sync->queued.compare_exchange_strong(queued, region_sync::abandoned,
                                                  std::memory_order_acq_rel)) {
    return false;
  }
  // Dispatch said that it is not queued, and may still be reading it.
  handle.sync->visitors.wait_until_none();
  return true;
}

}  // namespace nosigbus
