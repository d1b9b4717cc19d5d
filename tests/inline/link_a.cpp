// SPDX-License-Identifier: MIT
//
// Half of a program for link_test.sh: with the other half it shares functions that the linker has to merge.
#include "link.h"

#include <fcntl.h>
#include <nosigbus/runtime.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>

// Nobody calls it: --gc-sections may drop it, and its row.
extern "C" __attribute__((visibility("hidden"))) int nobody_calls_this(const uint64_t* from) {
  uint64_t value;
  return nosigbus_safe_load64(from, &value);
}

int main() {
  if (nosigbus_install(0) != 0) return 2;
  std::FILE* const file = std::tmpfile();
  if (file == nullptr || ftruncate(fileno(file), 4096) != 0) return 2;
  void* const address = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
  if (address == MAP_FAILED) return 2;
  const auto* const data = static_cast<const uint64_t*>(address);
  if (shared_function<1>(data) != 0 || other_half(data) != 0) return 3;
  if (ftruncate(fileno(file), 0) != 0) return 2;
  // -1 from each of the three places.
  if (shared_function<1>(data) != -1 || shared_function<2>(data) != -1 || other_half(data) != -2) return 4;
  return values_are_right() ? 0 : 5;
}
