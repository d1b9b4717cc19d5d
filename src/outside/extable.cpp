// SPDX-License-Identifier: MIT
//
// Registration of extable sections. Each change writes all rows, sorted, to the table that is not in force.
#include <errno.h>
#include <pthread.h>
#include <src/outside/extable.h>
#include <src/shared/extable.h>
#include <src/shared/port.h>
#include <src/shared/syscalls.h>
#include <stdlib.h>

// Defined by the linker: this DSO's (or, linked statically, the program's) own section. Weak: a program that
// links statically and copies nothing has none.
extern "C" {
extern __attribute__((weak, visibility("hidden"))) const nosigbus_extable_row __start_nosigbus_extable[];
extern __attribute__((weak, visibility("hidden"))) const nosigbus_extable_row __stop_nosigbus_extable[];
}

namespace nosigbus::extable {

namespace {

// The first arrays are the DSO's own memory: a copy of the library in a DSO that is unloaded leaves nothing
// behind. As many as the library's rows and some of others.
constexpr size_t first_capacity = arch::has_extable ? 2048 : 1;
constinit entry g_first_entries[2][first_capacity]{};

}  // namespace

// Here, so that a program that links the handler statically gets the constructor below with it.
constinit table g_tables[2]{{{}, {}, g_first_entries[0], first_capacity},
                            {{}, {}, g_first_entries[1], first_capacity}};
constinit std::atomic<uint32_t> g_in_force{0};

namespace {

struct section {
  const nosigbus_extable_row* begin;
  const nosigbus_extable_row* end;
  unsigned registrations;
  section* next;
};

// Guards g_sections and the rewriting of g_tables. Never taken in a signal handler.
constinit pthread_mutex_t g_mutex = PTHREAD_MUTEX_INITIALIZER;
constinit section* g_sections = nullptr;
// For the first one, the library's own, as a rule.
constinit section g_first_section{};
// Guarded by it too: exit(3) has been called, and its handlers run.
constinit bool g_exiting = false;
constinit bool g_awaits_exit = false;

uintptr_t resolve(const int32_t& relative) {
  return reinterpret_cast<uintptr_t>(&relative) + static_cast<uintptr_t>(static_cast<intptr_t>(relative));
}

struct resolved_row {
  uintptr_t instruction, landing;
  uint32_t flags;
};

int by_instruction(const void* a, const void* b) {
  const uintptr_t left = static_cast<const resolved_row*>(a)->instruction;
  const uintptr_t right = static_cast<const resolved_row*>(b)->instruction;
  return left < right ? -1 : left > right ? 1 : 0;
}

// All rows of g_sections, one after the other.
template <class Visitor>
void for_each_row(const Visitor& visit) {
  for (const section* s = g_sections; s != nullptr; s = s->next) {
    for (const nosigbus_extable_row* row = s->begin; row != s->end; ++row)
      visit(resolved_row{resolve(row->instruction), resolve(row->landing), row->flags});
  }
}

// As a rule they are, where there is one section: the linker puts rows and code in one order.
bool in_order(size_t& count) {
  bool ordered = true;
  uintptr_t last = 0;
  count = 0;
  for_each_row([&](const resolved_row& row) {
    ordered = ordered && row.instruction >= last;
    last = row.instruction;
    ++count;
  });
  return ordered;
}

// All rows of g_sections, sorted; the caller frees them. Null without memory.
resolved_row* sort_all(size_t count) {
  auto* const rows = static_cast<resolved_row*>(malloc(count * sizeof(resolved_row)));
  if (rows == nullptr) return nullptr;
  size_t next = 0;
  for_each_row([&](const resolved_row& row) { rows[next++] = row; });
  qsort(rows, count, sizeof(resolved_row), by_instruction);
  return rows;
}

// Room for `count` rows in a table that is not in force. False without memory.
bool reserve(table& rows, size_t count) {
  if (count <= rows.capacity) return true;
  size_t capacity = rows.capacity;
  while (capacity < count) capacity *= 2;
  const long fresh =
      sys::mmap(0, capacity * sizeof(entry), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (sys::failed(fresh)) return false;
  rows.entries.store(reinterpret_cast<entry*>(fresh), std::memory_order_release);
  rows.capacity = capacity;
  return true;
}

void write_entry(entry& to, const resolved_row& row) {
  to.instruction.store(row.instruction, std::memory_order_relaxed);
  to.landing.store(row.landing, std::memory_order_relaxed);
  to.flags.store(row.flags, std::memory_order_relaxed);
}

// Makes the rows of g_sections the ones that handlers see. -ENOMEM leaves the old ones in place.
int publish() {
  size_t count;
  resolved_row* sorted = nullptr;
  if (!in_order(count) && (sorted = sort_all(count)) == nullptr) return -ENOMEM;
  const uint32_t spare = 1 - g_in_force.load(std::memory_order_relaxed);
  table& rows = g_tables[spare];
  const uint32_t version = rows.version.load(std::memory_order_relaxed);
  rows.version.store(version + 1, std::memory_order_relaxed);
  // release: whoever reads a row written below finds the version odd, or changed.
  std::atomic_thread_fence(std::memory_order_release);
  const bool room = reserve(rows, count);
  if (room) {
    entry* next = rows.entries.load(std::memory_order_relaxed);
    if (sorted != nullptr) {
      for (size_t i = 0; i < count; ++i) write_entry(*next++, sorted[i]);
    } else {
      for_each_row([&next](const resolved_row& row) { write_entry(*next++, row); });
    }
    rows.count.store(count, std::memory_order_release);
  }
  rows.version.store(version + 2, std::memory_order_release);
  if (room) g_in_force.store(spare, std::memory_order_release);
  free(sorted);
  return room ? 0 : -ENOMEM;
}

section** find_section(const nosigbus_extable_row* begin) {
  section** at = &g_sections;
  while (*at != nullptr && (*at)->begin != begin) at = &(*at)->next;
  return at;
}

void give_back(section* one) {
  if (one != &g_first_section) {
    free(one);
  } else {
    *one = {};
  }
}

int add(const nosigbus_extable_row* begin, const nosigbus_extable_row* end) {
  section** const at = find_section(begin);
  if (*at != nullptr) {
    ++(*at)->registrations;
    return 0;
  }
  const bool first = g_first_section.begin == nullptr;
  auto* const fresh = first ? &g_first_section : static_cast<section*>(malloc(sizeof(section)));
  if (fresh == nullptr) return -ENOMEM;
  *fresh = {begin, end, 1, nullptr};
  *at = fresh;
  const int error = publish();
  if (error != 0) {
    *at = nullptr;
    give_back(fresh);
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
    give_back(found);
  }
  return error;
}

void on_exit_begins() {
  pthread_mutex_lock(&g_mutex);
  g_exiting = true;
  pthread_mutex_unlock(&g_mutex);
}

void before_fork() { pthread_mutex_lock(&g_mutex); }
void after_fork() { pthread_mutex_unlock(&g_mutex); }

// Early: constructors of other objects may already use guarded operations.
__attribute__((constructor(101))) void register_own_rows() {
  pthread_atfork(before_fork, after_fork, after_fork);
  nosigbus_extable_register(__start_nosigbus_extable, __stop_nosigbus_extable);
}

}  // namespace

// Registered by code that runs after the process's start, such a function runs before the destructors of all
// DSOs. Where there is no memory for it, rows go when their destructors say so.
void keep_rows_at_exit() {
  pthread_mutex_lock(&g_mutex);
  if (!g_awaits_exit) g_awaits_exit = atexit(on_exit_begins) == 0;
  pthread_mutex_unlock(&g_mutex);
}

}  // namespace nosigbus::extable

using namespace nosigbus;

int nosigbus_extable_register(const nosigbus_extable_row* begin, const nosigbus_extable_row* end) noexcept {
  if (begin == nullptr || end == nullptr || end < begin) return -EINVAL;
  if (!arch::has_extable) return -ENOTSUP;
  pthread_mutex_lock(&extable::g_mutex);
  const int error = extable::add(begin, end);
  pthread_mutex_unlock(&extable::g_mutex);
  return error;
}

int nosigbus_extable_unregister(const nosigbus_extable_row* begin) noexcept {
  pthread_mutex_lock(&extable::g_mutex);
  const int error = extable::g_exiting ? 0 : extable::remove(begin);
  pthread_mutex_unlock(&extable::g_mutex);
  return error;
}
