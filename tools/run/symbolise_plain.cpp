// SPDX-License-Identifier: MIT
#include <cinttypes>
#include <cstdio>
#include <sstream>

#include "symbolise.h"

namespace nosigbus::run {

namespace {

struct module {
  uint64_t begin = 0, end = 0;
  std::string path;
};

// Mappings of one file that follow each other are one module.
std::vector<module> modules_of(const std::string& maps) {
  std::vector<module> all;
  std::istringstream lines(maps);
  std::string line;
  while (std::getline(lines, line)) {
    module found;
    int path = 0;
    if (sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %n", &found.begin, &found.end, &path) <
        2) {
      continue;
    }
    if (path > 0) found.path = line.substr(static_cast<size_t>(path));
    if (found.path.empty()) continue;
    if (!all.empty() && all.back().path == found.path) {
      all.back().end = found.end;
    } else {
      all.push_back(found);
    }
  }
  return all;
}

}  // namespace

void symbolise(const std::string& maps, std::vector<frame>& chain) {
  const std::vector<module> all = modules_of(maps);
  for (size_t i = 0; i < chain.size(); ++i) {
    const uint64_t address = instruction_of(chain, i);
    for (const module& each : all) {
      if (address < each.begin || address >= each.end) continue;
      chain[i].module = each.path;
      chain[i].offset = chain[i].address - each.begin;
    }
  }
}

}  // namespace nosigbus::run
