// SPDX-License-Identifier: MIT
//
// The seam to libnosigbus-run-names.so, which is loaded when a name is asked for: libdw and what it needs
// take longer to load than all the rest of nosigbus-run.
#pragma once

#include <src/backtrace/symbols.h>

namespace nosigbus::run {

// What is known of the address with that index. The texts are good during the call.
using tell_name = void (*)(void* user, size_t index, const backtrace::symbol& found);

// maps: as /proc/PID/maps of the process whose addresses these are. Whether it could be read.
using find_names = bool (*)(const char* maps, size_t maps_size, const uintptr_t* addresses, size_t count,
                            tell_name tell, void* user);

constexpr const char* names_library = "libnosigbus-run-names.so";
constexpr const char* find_names_function = "nosigbus_run_find_names";

}  // namespace nosigbus::run
