// SPDX-License-Identifier: MIT
//
// Which file a program's name means, and where our libraries are.
#pragma once

#include <string>

namespace nosigbus::run {

// As execvp(3) searches PATH. Throws failure.
std::string find_program(const std::string& name);

// A library of ours, beside this tool or where it was installed; empty if there is none.
std::string find_library(const char* name);

// Of the drop-in: NOSIGBUS_PRELOAD, or what lies beside this tool. Throws failure.
std::string find_preload();

}  // namespace nosigbus::run
