// SPDX-License-Identifier: MIT
//
// Which file a program's name means.
#pragma once

#include <string>

namespace nosigbus::run {

// As execvp(3) searches PATH. Throws failure.
std::string find_program(const std::string& name);

// Of the drop-in: NOSIGBUS_PRELOAD, or what lies beside this tool. Throws failure.
std::string find_preload();

}  // namespace nosigbus::run
