// SPDX-License-Identifier: MIT
//
// Which sets of routines tests run with. For tests with access to what is inside.
#pragma once

#include <doctest/doctest.h>
#include <nosigbus/copy.h>
#include <nosigbus/region.h>
#include <nosigbus/scan.h>
#include <src/shared/routines.h>

#include <cstdlib>
#include <sstream>
#include <string>

#include "child.h"
#include "shared_file.h"

namespace test {

// Puts the set of this name in force, if the processor has it. With NOSIGBUS_TEST_SETS (names, spaces in
// between) only those that it names; that one of them is not there is a failure, and that it is, is said.
inline bool use_set(const std::string& name) {
  const char* const wanted = getenv("NOSIGBUS_TEST_SETS");
  if (wanted == nullptr) return nosigbus::use_routines(name.c_str());
  std::istringstream words(wanted);
  for (std::string word; words >> word;) {
    if (word != name) continue;
    const bool there = nosigbus::use_routines(name.c_str());
    CHECK_MESSAGE(there, "no such routines on this processor: ", name);
    if (there) MESSAGE("with routines: ", name);
    return there;
  }
  return false;
}

// nosigbus_safe_read as it is where the set in force was chosen.
inline nosigbus::routines::read* read_in_force() {
  return nosigbus_routines.public_read != nullptr ? nosigbus_routines.public_read : nosigbus_safe_read;
}

// The scans, likewise.
inline nosigbus::scans scans_in_force() {
  constexpr nosigbus::scans of_all{nosigbus_safe_strnlen, nosigbus_safe_memchr, nosigbus_safe_memcmp};
  return nosigbus_routines.public_scans.strnlen != nullptr ? nosigbus_routines.public_scans : of_all;
}

// From now on the routines look at the overlay census. For code in children.
inline void make_a_region() {
  const shared_file file(page_size());
  nosigbus_region* region;
  CHILD_CHECK(nosigbus_map(&region, file.fd(), 0, page_size(), PROT_READ, 0) == 0);
}

}  // namespace test
