// SPDX-License-Identifier: MIT
//
// Whether the dynamic linker will load the drop-in into a program.
#pragma once

#include <string>

namespace nosigbus::run {

// Throws failure if it will not, as far as can be seen from the file and, of a script, from what runs it.
void check_protectable(const std::string& path);

}  // namespace nosigbus::run
