// SPDX-License-Identifier: MIT
//
// A fault that is nobody's, at the end of a storm: whoever meets it dies.
#pragma once

#include <sys/mman.h>

#include "../support/child.h"
#include "../support/shared_file.h"

namespace storms {

inline void die_by_a_missing_page() {
  const test::shared_file file(test::page_size());
  const unsigned char* const at = file.map(test::page_size());
  if (ftruncate(file.fd(), 0) == 0) (void)*const_cast<const volatile unsigned char*>(at);
}

// Lets a child meet it. Returns by which signal it died.
inline int killed_by_a_stranger(void (*meet)()) {
  const pid_t child = fork();
  if (child == 0) {
    meet();
    _exit(0);
  }
  return test::wait_for(child, 120).signo;
}

}  // namespace storms
