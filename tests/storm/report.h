// SPDX-License-Identifier: MIT
//
// What a storm says: a line now and then, and a table in the end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace storms {

struct row {
  std::string name, what;
  uint64_t wanted = 0, faults = 0, signals = 0, deaths = 0, wrong = 0, leaks = 0;
  unsigned threads = 0;
  double seconds = 0;
  int stranger = 0;  // signal by which a fault that is nobody's killed
};

class progress {
 public:
  // faults: wanted; 0: it is a matter of seconds.
  progress(uint64_t faults, double seconds) : faults_(faults), seconds_(seconds) {}
  void print(const std::vector<row>& rows, const std::vector<bool>& busy, double now);

 private:
  const uint64_t faults_;
  const double seconds_;
  uint64_t before_ = 0;
  double then_ = 0;
};

// Prints the table, also into a file unless that is empty. Returns the exit status.
int conclude(const std::vector<row>& rows, double seconds, const std::string& file);

}  // namespace storms
