// SPDX-License-Identifier: MIT
//
// What is new in the journal.
#pragma once

#include <functional>
#include <unordered_map>

#include "mapping.h"
#include "report.h"

namespace nosigbus::run {

class watch {
 public:
  explicit watch(const preload::journal& journal) : journal_(journal) {}

  // Tells what became of each mapping since the last call, in the order of the journal. `found`: a mapping
  // that was not there before, first of all.
  void look(const std::function<void(const mapping&)>& found,
            const std::function<void(const event&, const mapping&)>& happened);

 private:
  struct seen {
    uint64_t healed = 0, passed = 0, gone = 0;
    bool damaged = false;
  };

  const preload::journal& journal_;
  std::unordered_map<size_t, seen> seen_;  // by mapping::record
};

}  // namespace nosigbus::run
