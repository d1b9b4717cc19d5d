// SPDX-License-Identifier: MIT
//
// Registration of extable sections. Each change builds a new snapshot of all rows, sorted.
#include <errno.h>
#include <pthread.h>
#include <src/shared/extable.h>
#include <stdlib.h>

// Defined by the linker: this DSO's (or, linked statically, the program's) own section.
extern "C" __attribute__((visibility("hidden"))) const nosigbus_extable_row __start_nosigbus_extable[];
extern "C" __attribute__((visibility("hidden"))) const nosigbus_extable_row __stop_nosigbus_extable[];

namespace nosigbus::extable {

// Here, so that a program that links the handler statically gets the constructor below with it.
constinit std::atomic<const snapshot*> g_snapshot{};
constinit visitor_count g_visitors{};

namespace {

struct section {
  const nosigbus_extable_row* begin;
  const nosigbus_extable_row* end;
  unsigned registrations;
  section* next;
};

// Guards g_sections and the replacement of g_snapshot. Never taken in a signal handler.
constinit pthread_mutex_t g_mutex = PTHREAD_MUTEX_INITIALIZER;
constinit section* g_sections = nullptr;

uintptr_t resolve(const int32_t& relative) {
  return reinterpret_cast<uintptr_t>(&relative) + static_cast<uintptr_t>(static_cast<intptr_t>(relative));
}

int by_instruction(const void* a, const void* b) {
  const uintptr_t left = static_cast<const entry*>(a)->instruction;
  const uintptr_t right = static_cast<const entry*>(b)->instruction;
  return left < right ? -1 : left > right ? 1 : 0;
}

// Makes the rows of g_sections the ones that handlers see. -ENOMEM leaves the old ones in place.
int publish() {
  size_t count = 0;
  for (const section* s = g_sections; s != nullptr; s = s->next)
    count += static_cast<size_t>(s->end - s->begin);
  auto* fresh = static_cast<snapshot*>(malloc(sizeof(snapshot) + count * sizeof(entry)));
  if (fresh == nullptr) return -ENOMEM;
  fresh->count = 0;
  for (const section* s = g_sections; s != nullptr; s = s->next) {
    for (const nosigbus_extable_row* row = s->begin; row != s->end; ++row) {
      fresh->entries[fresh->count++] = {resolve(row->instruction), resolve(row->landing), row->flags};
    }
  }
  qsort(fresh->entries, fresh->count, sizeof(entry), by_instruction);
  // seq_cst: hide the old one, then look for its visitors (sync.h).
  const snapshot* old = g_snapshot.exchange(fresh, std::memory_order_seq_cst);
  if (old != nullptr) {
    g_visitors.wait_until_none();
    free(const_cast<snapshot*>(old));
  }
  return 0;
}

section** find_section(const nosigbus_extable_row* begin) {
  section** at = &g_sections;
  while (*at != nullptr && (*at)->begin != begin) at = &(*at)->next;
  return at;
}

int add(const nosigbus_extable_row* begin, const nosigbus_extable_row* end) {
  section** const at = find_section(begin);
  if (*at != nullptr) {
    ++(*at)->registrations;
    return 0;
  }
  auto* fresh = static_cast<section*>(malloc(sizeof(section)));
  if (fresh == nullptr) return -ENOMEM;
  *fresh = {begin, end, 1, nullptr};
  *at = fresh;
  const int error = publish();
  if (error != 0) {
    *at = nullptr;
    free(fresh);
  }
  return error;
}

int remove(const nosigbus_extable_row* begin) {
  section** const at = find_section(begin);
  section* const found = *at;
  if (found == nullptr) return -ENOENT;
  if (found->registrations > 1) {
    --found->registrations;
    return 0;
  }
  *at = found->next;
  const int error = publish();
  if (error != 0) {
    *at = found;
  } else {
    free(found);
  }
  return error;
}

void before_fork() { pthread_mutex_lock(&g_mutex); }
void after_fork() { pthread_mutex_unlock(&g_mutex); }

// Early: constructors of other objects may already use guarded operations.
__attribute__((constructor(101))) void register_own_rows() {
  pthread_atfork(before_fork, after_fork, after_fork);
  nosigbus_extable_register(__start_nosigbus_extable, __stop_nosigbus_extable);
}

}  // namespace

}  // namespace nosigbus::extable

using namespace nosigbus;

int nosigbus_extable_register(const nosigbus_extable_row* begin, const nosigbus_extable_row* end) noexcept {
  if (begin == nullptr || end == nullptr || end < begin) return -EINVAL;
  pthread_mutex_lock(&extable::g_mutex);
  const int error = extable::add(begin, end);
  pthread_mutex_unlock(&extable::g_mutex);
  return error;
}

int nosigbus_extable_unregister(const nosigbus_extable_row* begin) noexcept {
  pthread_mutex_lock(&extable::g_mutex);
  const int error = extable::remove(begin);
  pthread_mutex_unlock(&extable::g_mutex);
  return error;
}
