// SPDX-License-Identifier: MIT
//
// What signal contexts are read by, besides classify.
#pragma once

#include "support/input.h"

namespace fuzz {

// Instructions of this machine (fuzz/arch/*/instructions.cpp): the port's decoder against the processor.
void try_instruction(input& from);

// Those of aarch64: on every machine, as decoding them is pure.
void try_aarch64_instruction(input& from);

}  // namespace fuzz
