// SPDX-License-Identifier: MIT
//
// A command line as one argument of another.
#pragma once

#include <cstring>
#include <string>
#include <vector>

namespace weston_test {

inline std::vector<std::string> words(const char* text) {
  std::vector<std::string> result;
  for (const char* at = text; *(at += strspn(at, " ")) != '\0';) {
    const size_t length = strcspn(at, " ");
    result.emplace_back(at, length);
    at += length;
  }
  return result;
}

}  // namespace weston_test
