// SPDX-License-Identifier: MIT
//
// All rows that are registered, as the signal handler sees them: two tables, of which one is in force while
// the other is rewritten when a DSO comes or goes.
#pragma once

#include <nosigbus/extable.h>
#include <stddef.h>

#include <atomic>

namespace nosigbus::extable {

// A row with its addresses resolved. Atomic, because a reader may still be in a table that is rewritten.
struct entry {
  std::atomic<uintptr_t> instruction;
  std::atomic<uintptr_t> landing;
  std::atomic<uint32_t> flags;
};

// Written by register/unregister under their mutex, only while it is not in force. Read by handlers, who
// look at `version` before and after: the same even value means that the table was one and the same.
// Nobody waits for anybody: a handler that was overtaken looks again, and a writer that a signal
// interrupts leaves the other table to be read. Arrays that were outgrown are kept, since a handler may be
// in one; they double in size, so all of them together are no larger than the one in use.
struct table {
  std::atomic<uint32_t> version;  // odd while it is rewritten
  std::atomic<size_t> count;
  std::atomic<entry*> entries;  // sorted by instruction
  size_t capacity;              // the writers' own
};

extern constinit table g_tables[2];
// Index of the table in force. Release by writers, acquire by handlers.
extern constinit std::atomic<uint32_t> g_in_force;

}  // namespace nosigbus::extable
