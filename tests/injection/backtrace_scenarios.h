// SPDX-License-Identifier: MIT
#pragma once

#include "scenario.h"

namespace test {

// nosigbus::backtrace: chains that the handler collects, and what is told of them.
std::vector<scenario> backtrace_scenarios();

}  // namespace test
