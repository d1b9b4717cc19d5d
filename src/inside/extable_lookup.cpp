// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/extable_lookup.h>
#include <src/shared/extable.h>

namespace nosigbus {

namespace {

struct row {
  uintptr_t landing;
  uint32_t flags;
};

row find_row(const extable::table& rows, uintptr_t pc) {
  // In this order: an array has room for every count that was stored after it.
  const size_t count = rows.count.load(std::memory_order_acquire);
  const extable::entry* const entries = rows.entries.load(std::memory_order_acquire);
  size_t low = 0, high = count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (entries[middle].instruction.load(std::memory_order_relaxed) < pc) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == count || entries[low].instruction.load(std::memory_order_relaxed) != pc) return {};
  return {entries[low].landing.load(std::memory_order_relaxed),
          entries[low].flags.load(std::memory_order_relaxed)};
}

// The row in the table in force.
row find_row(uintptr_t pc) {
  for (;;) {
    const extable::table& rows = extable::g_tables[extable::g_in_force.load(std::memory_order_acquire)];
    const uint32_t version = rows.version.load(std::memory_order_acquire);
    const row found = find_row(rows, pc);
    // acquire: what was read above is not newer than the version read below.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (version % 2 == 0 && rows.version.load(std::memory_order_relaxed) == version) return found;
  }
}

// An access that the machine does not name is taken for the guarded one: a row usually has one kind.
bool guards(uint32_t flags, nosigbus_access access) {
  switch (access) {
    case NOSIGBUS_READ:
      return (flags & NOSIGBUS_ROW_READ) != 0;
    case NOSIGBUS_WRITE:
      return (flags & NOSIGBUS_ROW_WRITE) != 0;
    default:
      return true;
  }
}

}  // namespace

landing_pad find_landing_pad(uintptr_t pc, nosigbus_access access) {
  const row found = find_row(pc);
  if (found.landing == 0 || !guards(found.flags, access)) return {};
  return {found.landing, (found.flags & NOSIGBUS_ROW_ADDRESS) != 0, found.flags == NOSIGBUS_ROW_READ};
}

}  // namespace nosigbus
