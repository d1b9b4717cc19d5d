// SPDX-License-Identifier: MIT
//
// The drop-in's side of the journal, for what stands in for it.
#pragma once

#include <fcntl.h>
#include <src/preload/journal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

namespace test {

inline nosigbus::preload::journal* open_journal() {
  using nosigbus::preload::journal;
  const char* const path = getenv("NOSIGBUS_JOURNAL");
  const int fd = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* const mapped = mmap(nullptr, sizeof(journal), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  auto* const found = static_cast<journal*>(mapped);
  return mapped != MAP_FAILED && found->magic == journal::magic_value ? found : nullptr;
}

}  // namespace test
