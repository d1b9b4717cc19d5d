// SPDX-License-Identifier: MIT
//
// What a program finds in its environment.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace nosigbus::run {

using variables = std::vector<std::pair<std::string, std::string>>;

// NAME=VALUE: this process's own, with changes.
std::vector<std::string> environment(const variables& changes);

// The value of LD_PRELOAD by which that library comes before those that are named there now.
std::string preload_with(const std::string& library);

// As execve(2) takes texts: valid as long as these are.
std::vector<char*> pointers(const std::vector<std::string>& texts);

}  // namespace nosigbus::run
