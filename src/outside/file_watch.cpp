// SPDX-License-Identifier: MIT
//
// The kernel has one watch for each file, however many regions it has: a tree (tsearch(3)) leads from watches
// to regions.
#include <nosigbus/events.h>
#include <search.h>
#include <src/inside/region_facts.h>
#include <src/outside/file_watch.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace nosigbus::file_watch {

namespace {

struct watched_file {
  int watch;
  region_descriptor* first;  // by next_watched
  // Of those that `look` has events of.
  watched_file* next_changed;
  bool changed;
};

int compare(const void* a, const void* b) {
  return static_cast<const watched_file*>(a)->watch - static_cast<const watched_file*>(b)->watch;
}

watched_file* find(event_queue& queue, int watch) {
  const watched_file key{watch, nullptr, nullptr, false};
  void* const found = tfind(&key, &queue.watches, compare);
  return found == nullptr ? nullptr : *static_cast<watched_file**>(found);
}

watched_file* find_or_add(event_queue& queue, int watch) {
  if (watched_file* const known = find(queue, watch)) return known;
  watched_file* const file = static_cast<watched_file*>(malloc(sizeof(watched_file)));
  if (file == nullptr) return nullptr;
  *file = {watch, nullptr, nullptr, false};
  if (tsearch(file, &queue.watches, compare) != nullptr) return file;
  free(file);
  return nullptr;
}

void compare_size(region_descriptor& handle) {
  const uint64_t size = file_size(handle);
  if (size == handle.watched_size) return;
  constexpr unsigned either = NOSIGBUS_EVENT_SHRUNK | NOSIGBUS_EVENT_GREW;
  const unsigned now = size < handle.watched_size ? NOSIGBUS_EVENT_SHRUNK : NOSIGBUS_EVENT_GREW;
  handle.news = (handle.news & ~either) | now;
  handle.watched_size = size;
  announce(handle);
}

void compare_sizes(const watched_file& file) {
  for (region_descriptor* handle = file.first; handle != nullptr; handle = handle->next_watched) {
    compare_size(*handle);
  }
}

void compare_all(const void* node, VISIT order, int) {
  if (order == postorder || order == leaf) compare_sizes(**static_cast<watched_file* const*>(node));
}

// Which files there are events of, and whether some of the events were lost.
void read_events(event_queue& queue, watched_file*& changed, bool& overflown) {
  // So many at a time, whatever the other side does meanwhile: what is left keeps the descriptor readable.
  for (int reads = 0; reads < 16; ++reads) {
    alignas(inotify_event) char buffer[4096] = {};
    const long got = sys::read(queue.inotify, buffer, sizeof buffer);
    if (got <= 0) return;
    for (const char* at = buffer; at < buffer + got;) {
      const inotify_event* const event = reinterpret_cast<const inotify_event*>(at);
      at += sizeof(inotify_event) + event->len;
      overflown |= (event->mask & IN_Q_OVERFLOW) != 0;
      watched_file* const file = find(queue, event->wd);
      if (file == nullptr || file->changed) continue;
      file->changed = true;
      file->next_changed = changed;
      changed = file;
    }
  }
}

// Whether the number still is our descriptor's: by both the epoll instance knows what it polls
// (epoll_ctl(2)).
bool is_ours(const event_queue& queue) {
  epoll_event event{};
  event.events = EPOLLIN;
  return queue.inotify >= 0 && epoll_ctl(queue.epoll, EPOLL_CTL_MOD, queue.inotify, &event) == 0;
}

}  // namespace

void begin(event_queue& queue, region_descriptor& handle) {
  const int fd = handle.sync->watch != 0 ? -1 : descriptor_of(handle);
  if (fd < 0 || !is_ours(queue)) return;
  handle.watched_size = file_size(handle);
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  const int watch = inotify_add_watch(queue.inotify, path, IN_MODIFY);
  if (watch < 0) return;
  watched_file* const file = find_or_add(queue, watch);
  if (file == nullptr) {
    inotify_rm_watch(queue.inotify, watch);
    return;
  }
  handle.sync->watch = watch;
  handle.previous_watched = nullptr;
  handle.next_watched = file->first;
  if (file->first != nullptr) file->first->previous_watched = &handle;
  file->first = &handle;
  compare_size(handle);  // it may have changed before the watch began
}

void end(event_queue& queue, region_descriptor& handle) {
  if (handle.sync->watch == 0) return;
  watched_file* const file = find(queue, handle.sync->watch);
  handle.sync->watch = 0;
  if (file == nullptr) return;  // forked in the middle of this, which wiped the tree
  if (handle.next_watched != nullptr) handle.next_watched->previous_watched = handle.previous_watched;
  (handle.previous_watched != nullptr ? handle.previous_watched->next_watched : file->first) =
      handle.next_watched;
  if (file->first != nullptr) return;
  if (is_ours(queue)) inotify_rm_watch(queue.inotify, file->watch);
  tdelete(file, &queue.watches, compare);
  free(file);
}

void look(event_queue& queue) {
  if (!is_ours(queue)) return;
  watched_file* changed = nullptr;
  bool overflown = false;
  read_events(queue, changed, overflown);
  // Each file once, however many events there were of it: all that they tell of has happened by now.
  if (overflown) twalk(queue.watches, compare_all);
  for (; changed != nullptr; changed = changed->next_changed) {
    changed->changed = false;
    if (!overflown) compare_sizes(*changed);
  }
}

}  // namespace nosigbus::file_watch
