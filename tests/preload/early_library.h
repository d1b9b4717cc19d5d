// SPDX-License-Identifier: MIT
//
// A library of the program's, whose constructor runs before those of the program.
#pragma once

namespace preload_test {

// Called by a handler for SIGUSR1 that blocks everything, which the constructor installs.
extern void (*early_action)();

}  // namespace preload_test
