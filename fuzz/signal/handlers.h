// SPDX-License-Identifier: MIT
//
// What a program's handlers do, and what they do it to.
#pragma once

#include <setjmp.h>
#include <signal.h>

#include <cstddef>
#include <cstdint>

#include "signal/program.h"

namespace fuzz {

// What handlers know of.
struct state {
  diary* into;
  by whom;
  bool in_front;  // nosigbus gets SIGBUS first
  int calls;
  unsigned char* missing;
  unsigned char* forbidden;
  unsigned char* bad;  // what is being accessed
  size_t page;
  int file;
  bool can_leave;
  sigjmp_buf out;
  unsigned char alternate[1 << 16];
};
extern state g_state;

void tell(uint64_t what);
uint64_t current_mask();
// What is missing is missing again, and what is forbidden forbidden.
void make_bad();
// A copy that stops at the missing page, and a read of a region's missing page, where nosigbus is there to
// see to it.
void copy_guarded();
void read_region();

// What a handler does, by its number.
enum reaction : unsigned { repair, leave, nest, send_other, ask_first, copy, heal, reactions };
void (*info_handler(size_t how))(int, siginfo_t*, void*);
void (*plain_handler(size_t how))(int);

}  // namespace fuzz
