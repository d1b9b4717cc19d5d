// SPDX-License-Identifier: MIT
#include "scenario.h"

#include <fcntl.h>

#include <cstring>
#include <filesystem>
#include <iterator>
#include <vector>

namespace preload_test {

namespace {

int open_file(mapped_file::where place) {
  if (place == mapped_file::where::memory) return memfd_create("victim", MFD_CLOEXEC);
  char shm[] = "/dev/shm/nosigbus.XXXXXX", disk[] = "/var/tmp/nosigbus.XXXXXX";
  char* const name = place == mapped_file::where::shm ? shm : disk;
  const int fd = mkostemp(name, O_CLOEXEC);
  unlink(name);
  return fd;
}

void fill(int fd, size_t size, unsigned char byte) {
  const std::vector<unsigned char> bytes(size, byte);
  EXPECT(pwrite(fd, bytes.data(), size, 0) == static_cast<ssize_t>(size));
}

}  // namespace

mapped_file::mapped_file(size_t pages, int flags, int prot, where place)
    : fd_(open_file(place)), size_(pages * page) {
  EXPECT(fd_ >= 0);
  fill(fd_, size_, filler);
  void* const mapped = mmap(nullptr, size_, prot, flags, fd_, 0);
  EXPECT(mapped != MAP_FAILED);
  data_ = static_cast<volatile unsigned char*>(mapped);
}

void mapped_file::grow_back(unsigned char byte) const { fill(fd_, size_, byte); }

void fault() {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
}

void fault_and_unmap() {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
  EXPECT(munmap(file.address(), file.size()) == 0);
}

sigset_t only_sigbus() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGBUS);
  return set;
}

bool all_are(const mapped_file& file, size_t begin, size_t end, unsigned char byte) {
  for (size_t i = begin; i < end; i += 512) {
    if (file[i] != byte) return false;
  }
  return true;
}

unsigned count_entries(const char* folder) {
  const std::filesystem::directory_iterator entries(folder);
  return static_cast<unsigned>(std::distance(begin(entries), end(entries)));
}

}  // namespace preload_test
