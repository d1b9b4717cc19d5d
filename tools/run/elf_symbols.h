// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <unordered_set>

namespace nosigbus::run {

// Of a program or library for this machine, without the versions of symbols, and without those that have very
// long names.
struct elf_symbols {
  std::unordered_set<std::string> imported, exported;
  bool go = false;  // made by the Go toolchain
};

// Nothing of what is no such file, or cannot be read.
std::optional<elf_symbols> read_symbols(const std::string& path);

}  // namespace nosigbus::run
