// SPDX-License-Identifier: MIT
//
// A DSO that comes and goes. For code in children.
#pragma once

#include <dlfcn.h>

#include "../support/child.h"

namespace life_cycle {

class module {
 public:
  explicit module(const char* path) : path_(path), handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) dprintf(2, "%s\n", dlerror());
    CHILD_CHECK(handle_ != nullptr);
  }
  template <class Function>
  Function* get(const char* name) const {
    void* const symbol = dlsym(handle_, name);
    CHILD_CHECK(symbol != nullptr);
    return reinterpret_cast<Function*>(symbol);
  }
  // It is gone then: nobody else has it.
  void unload() {
    CHILD_CHECK(dlclose(handle_) == 0);
    CHILD_CHECK(dlopen(path_, RTLD_NOW | RTLD_NOLOAD) == nullptr);
  }

 private:
  const char* path_;
  void* handle_;
};

}  // namespace life_cycle
