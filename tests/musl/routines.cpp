// SPDX-License-Identifier: MIT
//
// The port's choice of routines as it is where the C library is not glibc. There are no headers of the C++
// library for musl here; all else is compiled with glibc's, which declare the same functions and types.
#include <features.h>
#undef __GLIBC__
#include <routines.cpp>
