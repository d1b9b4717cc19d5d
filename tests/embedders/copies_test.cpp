// SPDX-License-Identifier: MIT
//
// Two libraries that were linked with the static nosigbus: two handlers, of which each knows its own regions.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "support/child.h"

namespace {

using namespace test;

constexpr size_t page = 4096, size = 4 * page;

template <class F>
F* symbol(void* library, const char* name) {
  void* const found = dlsym(library, name);
  CHILD_CHECK(found != nullptr);
  return reinterpret_cast<F*>(found);
}

// One of the two, with a region of which nothing is left.
struct copy {
  void* library;
  const volatile unsigned char* region = nullptr;

  explicit copy(const char* path) : library(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    CHILD_CHECK(library != nullptr);
  }
  int install() const { return symbol<int()>(library, "copy_install")(); }
  int check() const { return symbol<int()>(library, "copy_check")(); }
  int rearm() const { return symbol<int()>(library, "copy_rearm")(); }
  size_t read(void* dst, const volatile void* src, size_t n) const {
    return symbol<size_t(void*, const volatile void*, size_t)>(library, "copy_read")(dst, src, n);
  }
  void map() {
    const int fd = memfd_create("copy", MFD_CLOEXEC);
    CHILD_CHECK(ftruncate(fd, size) == 0);
    region = symbol<const volatile unsigned char*(int, size_t)>(library, "copy_map")(fd, size);
    CHILD_CHECK(region != nullptr && ftruncate(fd, 0) == 0);
  }
};

const volatile unsigned char* foreign() {
  const int fd = memfd_create("foreign", MFD_CLOEXEC);
  CHILD_CHECK(ftruncate(fd, size) == 0);
  void* const at = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  CHILD_CHECK(at != MAP_FAILED && ftruncate(fd, page) == 0);
  return static_cast<const volatile unsigned char*>(at);
}

struct pair {
  copy first{NOSIGBUS_TEST_COPY_1}, second{NOSIGBUS_TEST_COPY_2};

  pair() { CHILD_CHECK(first.install() == 0 && second.install() == 0); }
};

int absorb_all(pair& both) {
  char bytes[2 * page];
  for (copy* each : {&both.first, &both.second}) {
    each->map();
    CHILD_CHECK(each->region[0] == 0 && each->region[size - 1] == 0);
    CHILD_CHECK(each->read(bytes, foreign(), sizeof bytes) == page);
  }
  return 0;
}

int read_foreign() { return foreign()[page]; }

}  // namespace

TEST_CASE("Of two copies each protects its own") {
  CHECK(in_child([] {
          pair both;
          CHILD_CHECK(both.first.check() == -EBUSY && both.second.check() == 0);
          return absorb_all(both);
        }) == exited(0));
  CHECK(in_child([] {
          pair both;
          CHILD_CHECK(both.first.rearm() == 0);
          CHILD_CHECK(both.first.check() == 0 && both.second.check() == -EBUSY);
          return absorb_all(both);
        }) == exited(0));
}

TEST_CASE("What belongs to neither of two copies kills") {
  CHECK(in_child([] {
          const pair both;
          return read_foreign();
        }) == killed_by(SIGBUS));
  CHECK(in_child([] {
          const pair both;
          CHILD_CHECK(both.first.rearm() == 0);
          return read_foreign();
        }) == killed_by(SIGBUS));
}

TEST_CASE("A region of a copy that is not installed is not the other one's") {
  CHECK(in_child([] {
          copy first(NOSIGBUS_TEST_COPY_1), second(NOSIGBUS_TEST_COPY_2);
          CHILD_CHECK(second.install() == 0);
          first.map();
          return static_cast<int>(first.region[0]);
        }) == killed_by(SIGBUS));
}
