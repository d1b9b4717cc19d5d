/* SPDX-License-Identifier: MIT */
#pragma once

/* A descriptor that nobody has: asking for it is the program's first system call. */
#define START_SUBJECT_HAS_BEGUN (-4711)
#define START_SUBJECT_STATUS 7
