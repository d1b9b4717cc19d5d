// SPDX-License-Identifier: MIT
#pragma once

#include "scenario.h"

namespace test {

// The drop-in, below which this process is, and which asks no handler (NOSIGBUS_OWN_HANDLER=rescue): faults,
// and what a program does with mappings that are damaged or not.
std::vector<scenario> preload_scenarios();
// Where it asks the program's handler.
std::vector<scenario> preload_handler_scenarios();

}  // namespace test
