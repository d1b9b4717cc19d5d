// SPDX-License-Identifier: MIT
#include "classify/decoders.h"

// This port looks at no instruction.
void fuzz::try_instruction(input&) {}
