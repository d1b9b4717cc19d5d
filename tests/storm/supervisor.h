// SPDX-License-Identifier: MIT
//
// Runs mechanisms, each in a process of its own, counts those that die, and tells how far they are.
#pragma once

#include <string>
#include <vector>

#include "mechanism.h"

namespace storms {

struct plan {
  uint64_t faults = 100'000'000;  // of all together
  double seconds = 0;             // for all together; 0: as long as it takes
  double soak = 0;                // all at once, for so many seconds; 0: by faults
  unsigned jobs = 0;              // processes at once; 0: as many as there are processors
  uint64_t seed = 1;
  std::string table;  // a file for the table, in Markdown
};

// Returns the exit status: 0 where nobody died, no byte was wrong and nothing was left behind.
int supervise(const plan& what, const std::vector<mechanism>& all);

}  // namespace storms
