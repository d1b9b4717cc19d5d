// SPDX-License-Identifier: MIT
//
// Names for addresses. By libdw where that is there (names.h), else the module alone.
#pragma once

#include <string>
#include <vector>

#include "mapping.h"

namespace nosigbus::run {

// Fills in a call chain's frames, which have their addresses. maps: as /proc/PID/maps of their process.
void symbolise(const std::string& maps, std::vector<frame>& chain);

// Of a call chain the first address is an instruction's, the others are those that calls return to.
inline uint64_t instruction_of(const std::vector<frame>& chain, size_t index) {
  return index == 0 ? chain[index].address : chain[index].address - 1;
}

}  // namespace nosigbus::run
