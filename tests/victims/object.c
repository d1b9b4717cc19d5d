// SPDX-License-Identifier: MIT
//
// Of a size at which the linker maps it, with section headers far from its beginning.
const char filler[200000] = {1};
