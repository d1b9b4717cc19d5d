// SPDX-License-Identifier: MIT
#include "modules.h"

#include <fstream>
#include <iterator>

#include "symbolise.h"

namespace nosigbus::run {

void modules::remember(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/maps");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  // That of a process that has ended is empty.
  if (!text.empty()) maps_[pid] = std::move(text);
}

std::vector<frame> modules::describe(pid_t pid, const std::vector<uint64_t>& callers) {
  remember(pid);
  std::vector<frame> frames;
  frames.reserve(callers.size());
  for (const uint64_t caller : callers) frames.push_back({.address = caller});
  const auto known = maps_.find(pid);
  if (known != maps_.end()) symbolise(known->second, frames);
  return frames;
}

}  // namespace nosigbus::run
