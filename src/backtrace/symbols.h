// SPDX-License-Identifier: MIT
//
// Names of a process's code.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

namespace nosigbus::backtrace {

// What is not known is null, and 0 of numbers.
struct symbol {
  const char* module;
  const char* function;  // as the linker knows it
  uintptr_t begin;       // of the function; without one, of the module
  const char* file;
  int line;
};

// Of this process: the modules as they are when it is made; names live as long as it does.
class symbols {
 public:
  symbols();
  // Of another process, alive or not: maps is read, as its /proc/PID/maps was.
  explicit symbols(FILE* maps);
  ~symbols();
  symbols(const symbols&) = delete;
  symbols& operator=(const symbols&) = delete;

  bool good() const { return session_ != nullptr; }
  symbol find(uintptr_t address) const;

 private:
  void* session_;
};

}  // namespace nosigbus::backtrace
