// SPDX-License-Identifier: MIT
//
// The dynamic loader, asked what it would load.
#pragma once

#include <string>
#include <vector>

namespace nosigbus::run {

struct loaded {
  std::vector<std::string> files;    // paths, the preloaded first
  std::vector<std::string> missing;  // names of libraries that are not found
  std::string complaints;            // its messages
};

// For a program for this machine's glibc, with that library in front. Nothing of the program is run: one with
// auditors, which the loader runs in any case, is not shown to it. Empty where the loader cannot say.
loaded ask_loader(const std::string& program, const std::string& library);

}  // namespace nosigbus::run
