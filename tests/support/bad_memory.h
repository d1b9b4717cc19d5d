// SPDX-License-Identifier: MIT
//
// Memory of which all but the first page is bad, and the code of others that reads into it. For code in
// children.
#pragma once

#include <signal.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "shared_file.h"

namespace test {

// Cut off, or forbidden.
struct bad_memory {
  unsigned char* begin;
  int signo;

  size_t size() const { return 4 * page_size(); }
  unsigned char* bad() const { return begin + page_size(); }
  bool holds(uintptr_t address) const {
    return address - reinterpret_cast<uintptr_t>(bad()) < 3 * page_size();
  }
};

// content: of the file; else it has a pattern.
inline bad_memory cut_off(const std::vector<unsigned char>& content = {}) {
  shared_file file(4 * page_size());
  const bad_memory memory{file.map(4 * page_size()), SIGBUS};
  CHILD_CHECK(pwrite(file.fd(), content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
  file.resize(page_size());
  return memory;
}
inline bad_memory forbidden(const std::vector<unsigned char>& content = {}) {
  shared_file file(4 * page_size());
  const bad_memory memory{file.map(4 * page_size()), SIGSEGV};
  CHILD_CHECK(pwrite(file.fd(), content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
  // A string that may be read on ends here, and not in whatever lies behind.
  CHILD_CHECK(pwrite(file.fd(), "", 1, static_cast<off_t>(4 * page_size() - 1)) == 1);
  // Not unmapped: something else might come to lie there.
  CHILD_CHECK(mprotect(memory.bad(), 3 * page_size(), PROT_NONE) == 0);
  return memory;
}

// As they are: neither the compiler's, nor noexcept as their headers declare them (which matters to who is to
// pass an exception).
inline size_t (*const volatile the_strlen)(const char*) = strlen;
inline void* (*const volatile the_memcpy)(void*, const void*, size_t) = memcpy;
inline void* (*const volatile the_memmove)(void*, const void*, size_t) = memmove;

// A way to meet the bad byte, interrupted in the middle of something.
struct reader {
  const char* name;
  void (*read)(const bad_memory&);
  // What it wants to find there; null: anything.
  const std::vector<unsigned char>& (*content)() = nullptr;

  bad_memory make(bool segv) const {
    const std::vector<unsigned char> bytes = content != nullptr ? content() : std::vector<unsigned char>{};
    return segv ? forbidden(bytes) : cut_off(bytes);
  }
};

inline const reader libc_readers[] = {
    {"memcpy",
     [](const bad_memory& m) {
       std::vector<unsigned char> to(m.size());
       the_memcpy(to.data(), m.begin, m.size());
     }},
    {"memmove",
     [](const bad_memory& m) {
       static unsigned char to[4 << 16];
       the_memmove(to, m.begin + 1, m.size() - 1);
     }},
    {"strlen", [](const bad_memory& m) { the_strlen(reinterpret_cast<const char*>(m.begin)); }},
    {"qsort's callback",
     [](const bad_memory& m) {
       static const volatile unsigned char* g_bad;
       g_bad = m.bad();
       unsigned char keys[1000] = {};
       qsort(keys, sizeof keys, 1, [](const void*, const void*) -> int { return *g_bad; });
     }},
};

}  // namespace test
