// SPDX-License-Identifier: MIT
//
// Programs with the drop-in and without it, in turns.
#pragma once

#include <string>
#include <vector>

namespace drop_in_bench {

using command = std::vector<std::string>;

enum class way { plain, preloaded, by_run };

// What a command costs.
enum class taken {
  by_us,       // from its start to its end
  by_program,  // what it prints
};

struct row {
  std::string name;
  command plain, measured;  // usually the same
  way with = way::preloaded;
  taken time = taken::by_us;
  int rounds = 0;
  // To be kept; 0 without one.
  double most_ratio = 0, most_more_ns = 0;
};

// Medians. ratio and more are those of the rounds, not of the medians: what disturbs a round disturbs both
// halves.
struct figures {
  double with_ns, without_ns, ratio, more_ns;
};

// Throws std::runtime_error when the command fails.
figures measure(const row& of);

// Whatever there is to measure, in a folder that it may write to.
std::vector<row> rows(const std::string& folder);

}  // namespace drop_in_bench
