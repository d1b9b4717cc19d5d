// SPDX-License-Identifier: MIT
//
// What is mapped at an address, as the kernel tells it (PROCMAP_QUERY) and as the list of mappings has it:
// the same.
#include <doctest/doctest.h>
#include <src/inside/mapping_info.h>
#include <sys/stat.h>

#include <cstring>

#include "support/no_qemu.h"
#include "support/refusal.h"
#include "support/shared_file.h"

using namespace test;
using nosigbus::device_number;
using nosigbus::mapping_info;
using nosigbus::query_mapping;

namespace {

const size_t page = page_size();

enum class way { told, listed };

// In a child each.
template <class Body>
void by_each_way(Body body) {
  for (const way how : {way::told, way::listed}) {
    CAPTURE(static_cast<int>(how));
    CHECK(in_child([&] {
            if (how == way::listed) refuse({SYS_ioctl, ENOTTY});
            body();
            return 0;
          }) == exited(0));
  }
}

// By pages: none, two of a file from its second one on, none, one of memory, none.
struct neighbours {
  neighbours() {
    void* const room = mmap(nullptr, 6 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHILD_CHECK(room != MAP_FAILED);
    begin = reinterpret_cast<uintptr_t>(room);
    put(1, 2, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd());
    put(4, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (const size_t n : {0, 3, 5}) CHILD_CHECK(munmap(reinterpret_cast<void*>(at(n)), page) == 0);
  }
  uintptr_t at(size_t n) const { return begin + n * page; }

  shared_file file{3 * page};
  uintptr_t begin;

 private:
  void put(size_t n, size_t count, int prot, int flags, int fd) const {
    const off_t offset = fd < 0 ? 0 : static_cast<off_t>(page);
    CHILD_CHECK(mmap(reinterpret_cast<void*>(at(n)), count * page, prot, flags | MAP_FIXED, fd, offset) !=
                MAP_FAILED);
  }
};

}  // namespace

TEST_CASE("a file's mapping" NO_QEMU("it has a list of its own")) {
  by_each_way([] {
    const neighbours of;
    mapping_info info{};
    char name[64] = "";
    CHILD_CHECK(query_mapping(of.at(2) + 5, &info, {name, sizeof name}) == 0);
    CHILD_CHECK(info.begin == of.at(1) && info.end == of.at(3));
    CHILD_CHECK(info.offset == static_cast<off_t>(2 * page + 5));
    CHILD_CHECK(info.prot == (PROT_READ | PROT_WRITE));
    CHILD_CHECK(info.shared);
    struct stat status {};
    CHILD_CHECK(fstat(of.file.fd(), &status) == 0);
    CHILD_CHECK(info.device == device_number(status.st_dev) && info.inode == status.st_ino);
    CHILD_CHECK(strncmp(name, "/memfd:", 7) == 0);
    CHILD_CHECK(query_mapping(of.at(2), &info) == 0 && info.inode == status.st_ino);
    char little[5] = "";
    CHILD_CHECK(query_mapping(of.at(2), &info, {little, sizeof little}) == 0);
    CHILD_CHECK(strcmp(little, "/mem") == 0);
  });
}

TEST_CASE("memory has neither file nor name" NO_QEMU("it has a list of its own")) {
  by_each_way([] {
    const neighbours of;
    mapping_info info{};
    char name[64] = "what was there before";
    CHILD_CHECK(query_mapping(of.at(4) + 5, &info, {name, sizeof name}) == 0);
    CHILD_CHECK(info.begin == of.at(4) && info.end == of.at(5));
    CHILD_CHECK(info.prot == (PROT_READ | PROT_EXEC));
    CHILD_CHECK(!info.shared && info.device == 0 && info.inode == 0);
    CHILD_CHECK(name[0] == '\0');
  });
}

TEST_CASE("nothing is mapped between mappings and below and above them" NO_QEMU("it has a list of its own")) {
  by_each_way([] {
    const neighbours of;
    for (const uintptr_t address : {of.at(0), of.at(3), of.at(5), uintptr_t{0}, ~uintptr_t{0}}) {
      mapping_info info{};
      char name[64];
      CHILD_CHECK(query_mapping(address, &info, {name, sizeof name}) == -ENOENT);
    }
  });
}

TEST_CASE(
    "what cannot be found out is not taken for nothing and leaves no descriptor" NO_QEMU("no filters")) {
  const auto child = [](const refusal& what, int error) {
    CHECK(in_child([&] {
            const neighbours of;
            const int next = dup(of.file.fd());
            CHILD_CHECK(next >= 0 && close(next) == 0);
            refuse({SYS_ioctl, ENOTTY});
            refuse(what);
            mapping_info info{};
            CHILD_CHECK(query_mapping(of.at(1), &info) == error);
            CHILD_CHECK(dup(of.file.fd()) == next);
            return 0;
          }) == exited(0));
  };
  child({SYS_openat, ENOENT}, -ENOSYS);
  child({SYS_openat, EMFILE}, -EMFILE);
  child({SYS_read, EIO}, -EIO);
}
