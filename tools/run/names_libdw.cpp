// SPDX-License-Identifier: MIT
//
// libnosigbus-run-names.so
#include <cstdio>
#include <type_traits>

#include "names.h"

extern "C" __attribute__((visibility("default"))) bool nosigbus_run_find_names(
    const char* maps, size_t maps_size, const uintptr_t* addresses, size_t count,
    nosigbus::run::tell_name tell, void* user) {
  FILE* const file = fmemopen(const_cast<char*>(maps), maps_size, "r");
  if (file == nullptr) return false;
  const nosigbus::backtrace::symbols names(file);
  fclose(file);
  if (!names.good()) return false;
  for (size_t i = 0; i < count; ++i) tell(user, i, names.find(addresses[i]));
  return true;
}

static_assert(std::is_same_v<decltype(&nosigbus_run_find_names), nosigbus::run::find_names>);
