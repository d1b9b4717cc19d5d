// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/extable_lookup.h>
#include <src/shared/extable.h>

namespace nosigbus {

namespace {

const extable::entry* find_entry(const extable::snapshot& rows, uintptr_t pc) {
  size_t low = 0, high = rows.count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (rows.entries[middle].instruction < pc) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < rows.count && rows.entries[low].instruction == pc ? &rows.entries[low] : nullptr;
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
  landing_pad pad{};
  extable::g_visitors.enter();
  if (const extable::snapshot* rows = extable::g_snapshot.load(std::memory_order_seq_cst)) {
    const extable::entry* row = find_entry(*rows, pc);
    if (row != nullptr && guards(row->flags, access)) {
      pad = {row->landing, (row->flags & NOSIGBUS_ROW_ADDRESS) != 0};
    }
  }
  extable::g_visitors.leave();
  return pad;
}

}  // namespace nosigbus
