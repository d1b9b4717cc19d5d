// SPDX-License-Identifier: MIT
//
// A library that is long enough to be cut off.
__attribute__((visibility("default"))) const unsigned char preload_victim_data[1 << 20] = {[900000] = 0x37};
