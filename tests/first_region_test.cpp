// SPDX-License-Identifier: MIT
//
// The memory of an operation becomes the first region of all while the operation is under way: a process
// without regions does not look at the overlay census, and has to find out all the same.
#include <nosigbus/scan.h>
#include <nosigbus/nosigbus.hpp>

#include <atomic>
#include <cstring>
#include <thread>

#include "support/child.h"
#include "support/entry.h"
#include "support/shared_file.h"

#include <doctest/doctest.h>

using namespace test;

namespace {

constexpr size_t size = size_t{64} << 20, kept = size / 2;
constexpr int zeros_unseen = 7;

// One operation on `size` bytes. Whether it met one of the overlay's zeros, as its result says.
using operation = bool (*)(const unsigned char* file, unsigned char* other);

bool read(const unsigned char* file, unsigned char* other) {
  CHILD_CHECK(nosigbus_safe_read(other, file, size) == size);
  return memchr(other, 0, size) != nullptr;
}
bool find_end(const unsigned char* file, unsigned char*) {
  return nosigbus_safe_strnlen(reinterpret_cast<const char*>(file), size) < size;
}
bool compare(const unsigned char* file, unsigned char* other) {
  return nosigbus_safe_memcmp(file, other, size) < size;
}

int try_once(operation work, useconds_t delay) {
  enter_by(entry::installed);
  shared_file file(size);
  unsigned char* const mapping = file.map(size, PROT_READ | PROT_WRITE);
  unsigned char* const other = static_cast<unsigned char*>(
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  memset(mapping, 1, size);
  memset(other, 1, size);

  std::atomic<bool> started{false};
  bool zeros = false, told = false;
  std::thread worker([&] {
    started = true;
    zeros = work(mapping, other);
    told = nosigbus_last_fault()->cause != NOSIGBUS_NONE;
  });
  while (!started) {
  }
  usleep(delay);
  nosigbus_region* region;
  CHILD_CHECK(nosigbus_adopt(&region, mapping, size, file.fd(), 0) == 0);
  file.resize(kept);
  worker.join();
  CHILD_CHECK(!zeros || told);
  return zeros ? 0 : zeros_unseen;
}

}  // namespace

TEST_CASE("what is under way when the first region begins tells of the zeros that it met") {
  for (const operation work : {read, find_end, compare}) {
    int seen = 0;
    for (useconds_t attempt = 0; attempt < 60 && seen < 3; ++attempt) {
      const outcome result = in_child([&] { return try_once(work, attempt % 20 * 200); });
      if (result == exited(0)) ++seen;
      if (result != exited(zeros_unseen)) CHECK(result == exited(0));
    }
    CHECK(seen > 0);
  }
}
