// SPDX-License-Identifier: MIT
//
// All rows that are registered, as the signal handler sees them: an immutable snapshot, replaced as a
// whole when a DSO comes or goes.
#pragma once

#include <nosigbus/extable.h>
#include <src/shared/sync.h>
#include <stddef.h>

namespace nosigbus::extable {

// A row with its addresses resolved.
struct entry {
  uintptr_t instruction;
  uintptr_t landing;
  uint32_t flags;
};

struct snapshot {
  size_t count;
  entry entries[];  // sorted by instruction
};

// Replaced by register/unregister (release, under their mutex), read by the handler (acquire). The old
// one is freed once no visitor is left that could have seen it.
extern constinit std::atomic<const snapshot*> g_snapshot;
// Entered by handlers before they load g_snapshot. The count is zero between any two faults of a
// thread, so the wait ends.
extern constinit visitor_count g_visitors;

}  // namespace nosigbus::extable
