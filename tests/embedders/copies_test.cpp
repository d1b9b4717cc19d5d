// SPDX-License-Identifier: MIT
//
// Copies of nosigbus in one process: of two libraries that were linked with the static one, of one that was
// linked with the shared one, and the shared one under another name, loaded with dlopen. Each has a handler,
// which knows its own regions.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include <string>
#include <vector>

#include "embedders/runner.h"
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

// One of them, with a region of which nothing is left.
struct copy {
  void* library;
  bool is_nosigbus;  // itself, and not a library that has it
  const volatile unsigned char* region = nullptr;

  explicit copy(const std::string& path)
      : library(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)),
        is_nosigbus(library != nullptr && dlsym(library, "copy_install") == nullptr) {
    CHILD_CHECK(library != nullptr);
  }
  int install() const {
    return is_nosigbus ? symbol<int(unsigned)>(library, "nosigbus_install")(0)
                       : symbol<int()>(library, "copy_install")();
  }
  int check() const { return symbol<int()>(library, is_nosigbus ? "nosigbus_check" : "copy_check")(); }
  int rearm() const { return symbol<int()>(library, is_nosigbus ? "nosigbus_rearm" : "copy_rearm")(); }
  size_t read(void* dst, const volatile void* src, size_t n) const {
    return symbol<size_t(void*, const volatile void*, size_t)>(
        library, is_nosigbus ? "nosigbus_safe_read" : "copy_read")(dst, src, n);
  }
  int guard(int (*fn)(void*), void* argument) const {
    return symbol<int(int (*)(void*), void*, const void*, size_t, void*)>(
        library, is_nosigbus ? "nosigbus_guard" : "copy_guard")(fn, argument, nullptr, 0, nullptr);
  }
  void map() {
    const int fd = memfd_create("copy", MFD_CLOEXEC);
    CHILD_CHECK(ftruncate(fd, size) == 0);
    region = is_nosigbus ? map_by_hand(fd)
                         : symbol<const volatile unsigned char*(int, size_t)>(library, "copy_map")(fd, size);
    CHILD_CHECK(region != nullptr && ftruncate(fd, 0) == 0);
  }

 private:
  const volatile unsigned char* map_by_hand(int fd) const {
    void* handle = nullptr;
    const int error = symbol<int(void**, int, off_t, size_t, int, unsigned)>(library, "nosigbus_map")(
        &handle, fd, 0, size, PROT_READ, 0);
    CHILD_CHECK(error == 0);
    return symbol<const volatile unsigned char*(void*)>(library, "nosigbus_region_data")(handle);
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

int read_foreign() { return foreign()[page]; }

void absorb(copy& by) {
  char bytes[2 * page];
  by.map();
  CHILD_CHECK(by.region[0] == 0 && by.region[size - 1] == 0);
  CHILD_CHECK(by.read(bytes, foreign(), sizeof bytes) == page);
  CHILD_CHECK(by.guard([](void*) { return read_foreign(); }, nullptr) == -EFAULT);
}

int absorb_all(pair& both) {
  absorb(both.first);
  absorb(both.second);
  return 0;
}

// Installed in this order, and one of them put in front in the end: -1, none.
struct three {
  std::vector<copy> copies;

  explicit three(const std::vector<std::string>& paths, int in_front) {
    for (const std::string& path : paths) copies.emplace_back(path);
    for (const copy& each : copies) CHILD_CHECK(each.install() == 0);
    if (in_front >= 0) CHILD_CHECK(copies[static_cast<size_t>(in_front)].rearm() == 0);
    const size_t first = in_front >= 0 ? static_cast<size_t>(in_front) : copies.size() - 1;
    for (size_t i = 0; i < copies.size(); ++i) CHILD_CHECK(copies[i].check() == (i == first ? 0 : -EBUSY));
  }
};

const std::string g_static = NOSIGBUS_TEST_COPY_1, g_shared = NOSIGBUS_TEST_COPY_3,
                  g_loaded = NOSIGBUS_TEST_COPY_4;

// Each order of the three, each of them in front.
template <class Check>
void with_three(Check check) {
  const std::vector<std::string> orders[] = {{g_static, g_shared, g_loaded}, {g_static, g_loaded, g_shared},
                                             {g_shared, g_static, g_loaded}, {g_shared, g_loaded, g_static},
                                             {g_loaded, g_static, g_shared}, {g_loaded, g_shared, g_static}};
  for (const auto& order : orders) {
    for (int in_front = -1; in_front < 3; ++in_front) {
      CAPTURE(order[0]);
      CAPTURE(order[1]);
      CAPTURE(in_front);
      check(order, in_front);
    }
  }
}

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

TEST_CASE("Of a static and a shared and a loaded copy each protects its own in any order") {
  with_three([](const std::vector<std::string>& order, int in_front) {
    CHECK(in_child([&] {
            three all(order, in_front);
            for (copy& each : all.copies) absorb(each);
            for (copy& each : all.copies) absorb(each);
            return 0;
          }) == exited(0));
  });
  for (const char* const what : {"region", "safe-read", "guard"}) embedders::note_absorbed(what);
}

TEST_CASE("What belongs to none of three copies kills in any order") {
  with_three([](const std::vector<std::string>& order, int in_front) {
    CHECK(in_child([&] {
            const three all(order, in_front);
            return read_foreign();
          }) == killed_by(SIGBUS));
    CHECK(in_child([&] {
            const three all(order, in_front);
            return raise(SIGBUS);
          }) == killed_by(SIGBUS));
  });
  embedders::note_unchanged("foreign");
  embedders::note_unchanged("sent");
}

TEST_CASE("A copy that is loaded and unloaded before it is installed leaves the others at work") {
  CHECK(in_child([] {
          copy first(g_static);
          CHILD_CHECK(first.install() == 0);
          const copy gone(g_loaded);
          CHILD_CHECK(gone.check() == -ENOENT && dlclose(gone.library) == 0);
          absorb(first);
          return 0;
        }) == exited(0));
}
