// SPDX-License-Identifier: MIT
//
// What must not become more, however often something is done. For processes that stand still meanwhile.
#pragma once

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "shared_file.h"

namespace test {

struct belongings {
  size_t mappings, descriptors, heap;
  // Bytes that are mapped, without what malloc has by brk(2): mappings that touch can be one.
  size_t mapped;

  // What it takes itself is there before anything is counted.
  static belongings take() {
    count();
    return count();
  }
  // Whether something has become more, or a descriptor less.
  bool grown_since(const belongings& before) const {
    return mappings > before.mappings || descriptors != before.descriptors || heap > before.heap ||
           mapped > before.mapped;
  }

 private:
  static belongings count() {
    const auto memory = mallinfo2();
    const size_t vmas = count_vmas();  // 0: a sanitizer's allocator maps what it likes
    return {vmas, count_descriptors(), memory.uordblks + memory.hblkhd, vmas == 0 ? 0 : mapped_bytes()};
  }
  static size_t mapped_bytes() {
    char text[64] = "";
    const int statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    [[maybe_unused]] const ssize_t got = read(statm, text, sizeof text - 1);
    close(statm);
    return strtoul(text, nullptr, 10) * page_size() - reinterpret_cast<uintptr_t>(sbrk(0));
  }
};

}  // namespace test
