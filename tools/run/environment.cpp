// SPDX-License-Identifier: MIT
#include "environment.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace nosigbus::run {

std::vector<std::string> environment(const variables& changes) {
  std::vector<std::string> all;
  for (const auto& [name, value] : changes) all.emplace_back(name).append("=").append(value);
  const auto changed = [&changes](const std::string& each) {
    return std::any_of(changes.begin(), changes.end(), [&each](const auto& change) {
      return each.size() > change.first.size() && each[change.first.size()] == '=' &&
             each.starts_with(change.first);
    });
  };
  for (char** each = environ; *each != nullptr; ++each) {
    if (!changed(*each)) all.emplace_back(*each);
  }
  return all;
}

std::string preload_with(const std::string& library) {
  const char* const others = std::getenv("LD_PRELOAD");
  return others == nullptr || *others == '\0' ? library : library + ":" + others;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

}  // namespace nosigbus::run
