// SPDX-License-Identifier: MIT
//
// What an executable is, by its first bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace nosigbus::run {

struct elf_facts {
  uint8_t elf_class = 0, data = 0;  // EI_CLASS, EI_DATA
  uint16_t machine = 0;             // e_machine
  std::string interpreter;          // PT_INTERP; empty: statically linked, or a loader itself
  bool audited = false;  // names libraries that the loader runs to watch it (DT_AUDIT, DT_DEPAUDIT)
};

// A file as the kernel takes it for an executable. Neither: not for us to judge.
struct executable_file {
  std::optional<elf_facts> elf;
  std::string script_interpreter, script_argument;  // of the line that begins with #!
};

// Nothing where it cannot be read.
std::optional<executable_file> read_executable(const std::string& path);

}  // namespace nosigbus::run
