// SPDX-License-Identifier: MIT
//
// Includes everything and uses nothing: needs no library.
#include <nosigbus/nosigbus.hpp>

int main() { return 0; }
