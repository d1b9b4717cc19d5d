// SPDX-License-Identifier: MIT
#pragma once

#include "scenario.h"

namespace test {

// The drop-in, below which this process is, and which asks no handler (NOSIGBUS_OWN_HANDLER=rescue): faults,
// and what a program does with mappings that are damaged or not.
std::vector<scenario> preload_scenarios();
// Where it asks the program's handler.
std::vector<scenario> preload_handler_scenarios();

// Errands run in a thread, or a process, that has a table of descriptors of its own: which of the two, and
// whose calls fail, that of the program or of the errand.
std::vector<scenario> preload_errand_scenarios();
// Below nosigbus-run: what is in its journal.
std::vector<scenario> preload_journal_scenarios();

}  // namespace test
