// SPDX-License-Identifier: MIT
//
// A control group's memory is used up by reads of a file's holes, each of which takes a page: the kernel
// kills, and raises no SIGBUS that a region could absorb. What is missing, and reads as zeros, takes none.
#include <sys/mman.h>

#include <cerrno>

#include "support/memory_group.h"
#include "support/no_qemu.h"
#include "support/region_fixture.h"

using namespace test;

namespace {

constexpr size_t group_bytes = size_t{24} << 20;
constexpr size_t file_bytes = size_t{128} << 20;

// With each origin in turn, in a group of its own; expected: how a process ends that does `act`.
template <class Act>
void each_ends(outcome expected, int prot, unsigned flags, Act act) {
  for (const origin from : origins) {
    const memory_group group(group_bytes);
    if (!group) {
      MESSAGE("skipped: no group with the memory controller of cgroups, version 2, can be made here");
      return;
    }
    CAPTURE(static_cast<int>(from));
    CHECK(in_child(
              [&] {
                enter_by(entry::installed);
                const int fd = memfd_create("holes", MFD_CLOEXEC);
                CHILD_CHECK(ftruncate(fd, file_bytes) == 0);
                const nosigbus::region region = make_region(from, fd, 0, file_bytes, prot, flags);
                group.enter();
                act(region, fd);
                return 0;
              },
              60) == expected);
  }
}

void read_all(const nosigbus::region& region) {
  for (size_t at = 0; at < file_bytes; at += page_size()) CHILD_CHECK(peek(region, at) == 0);
}

}  // namespace

TEST_CASE("a group's memory ends while a file's holes are read: killed and no signal to absorb" NO_QEMU(
    "its own memory counts")) {
  each_ends(killed_by(SIGKILL), PROT_READ, 0, [](const nosigbus::region& region, int) { read_all(region); });
  // As without a region.
  each_ends(killed_by(SIGKILL), PROT_READ, 0, [](const nosigbus::region&, int fd) {
    const void* const plain = mmap(nullptr, file_bytes, PROT_READ, MAP_SHARED, fd, 0);
    for (size_t at = 0; at < file_bytes; at += page_size()) {
      CHILD_CHECK(static_cast<const volatile char*>(plain)[at] == 0);
    }
  });
}

TEST_CASE("a group's memory is not touched by reads of what is missing" NO_QEMU("its own memory counts")) {
  each_ends(exited(0), PROT_READ, 0, [](const nosigbus::region& region, int fd) {
    CHILD_CHECK(ftruncate(fd, 0) == 0);
    read_all(region);
    CHILD_CHECK(region.status().cause == NOSIGBUS_EOF);
  });
}

TEST_CASE("a group's memory ends while writes are discarded: killed" NO_QEMU("its own memory counts")) {
  each_ends(killed_by(SIGKILL), PROT_READ | PROT_WRITE, NOSIGBUS_DISCARD_WRITES,
            [](const nosigbus::region& region, int fd) {
              CHILD_CHECK(ftruncate(fd, 0) == 0);
              for (size_t at = 0; at < file_bytes; at += page_size()) poke(region, at, 1);
            });
}

TEST_CASE("a group's memory ends: what kills without a region kills by its own signal" NO_QEMU(
    "its own memory counts")) {
  each_ends(killed_by(SIGBUS), PROT_READ, 0, [](const nosigbus::region&, int fd) {
    volatile const char* const plain =
        static_cast<char*>(mmap(nullptr, file_bytes, PROT_READ, MAP_SHARED, fd, 0));
    CHILD_CHECK(ftruncate(fd, 0) == 0);
    static_cast<void>(plain[0]);
  });
}
