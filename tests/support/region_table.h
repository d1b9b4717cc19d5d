// SPDX-License-Identifier: MIT
//
// What a region does about a page that cannot be had, by the rules of region.h.
#pragma once

#include "fault_context.h"
#include "region_place.h"

namespace test {

enum class access_kind { read, write, guarded_read, guarded_write };

struct combination {
  region_place where;
  nosigbus_cause cause;
  unsigned policy;
  access_kind what;

  bool writes() const { return what == access_kind::write || what == access_kind::guarded_write; }
  bool guarded() const { return what == access_kind::guarded_read || what == access_kind::guarded_write; }
};

struct expectation {
  // What kills the process, 0 if nothing does.
  int signal;
  // Zeros are supplied, or the write is taken. A guarded access that is not absorbed stops at the bad page.
  bool absorbed;
  // What is said to have happened.
  nosigbus_cause cause;
};

inline unsigned flag_of(nosigbus_cause cause) {
  if (cause == NOSIGBUS_IO) return NOSIGBUS_ABSORB_IO;
  return cause == NOSIGBUS_POISON ? NOSIGBUS_ABSORB_POISON : 0u;
}

// The rules of region.h.
inline expectation expected(const combination& c) {
  // A mapping that does not permit the access is no matter of missing pages.
  if (c.writes() && !c.where.writable) return {SIGSEGV, false, NOSIGBUS_NONE};
  const nosigbus_cause cause = c.cause;
  const bool read_absorbed = (c.policy & flag_of(cause)) == flag_of(cause);
  const bool absorbed = read_absorbed && (!c.writes() || (c.policy & NOSIGBUS_DISCARD_WRITES) != 0);
  if (absorbed || c.guarded()) return {0, absorbed, cause};
  // Where contexts do not tell, a write is taken for a read, and repeats on a read-only overlay.
  return {read_absorbed ? misuse_signal() : SIGBUS, false, cause};
}

inline bool is_worth_trying(const combination& c) {
  const region_place& where = c.where;
  // A private mapping of huge pages has reserved them.
  if (c.cause == NOSIGBUS_IO && where.kind == file_kind::huge_pages && where.is_private) return false;
  // Each costs the machine a huge page until it boots again.
  if (c.cause == NOSIGBUS_POISON && where.kind == file_kind::huge_pages) {
    return where.from == origin::mapped && !where.is_private && where.writable && !where.at_offset &&
           !where.reaches_beyond && (c.policy == 0 || c.policy == 7);
  }
  // Whatever the policy, it is no matter of regions.
  return !c.writes() || where.writable || c.policy == 0 || c.policy == 7;
}

}  // namespace test
