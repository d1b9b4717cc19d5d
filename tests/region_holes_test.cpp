// SPDX-License-Identifier: MIT
//
// Mappings that were adopted with memory of the program's among the file's pages, which is never mistaken for
// them, and is not lost in front of what is missing.
#include <cerrno>
#include <cstring>

#include "support/each_entry.h"
#include "support/no_qemu.h"
#include "support/refusal.h"
#include "support/region_fixture.h"

using namespace test;

namespace {

const size_t page = page_size();
constexpr size_t pages = 8, left = 5;  // of the file, when it is cut off

// Of pages of a file, one of memory.
struct mixed {
  mixed(bool is_private, bool with_fd, size_t hole)
      : file(pages * page),
        data(file.map(pages * page, PROT_READ | PROT_WRITE, is_private ? MAP_PRIVATE : MAP_SHARED)),
        hole_(hole) {
    void* const memory = data + hole * page;
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    CHILD_CHECK(mmap(memory, page, PROT_READ | PROT_WRITE, flags, -1, 0) == memory);
    memset(memory, 0xaa, page);
    if (is_private) data[written_] = 0x55;
    auto made = nosigbus::region::adopt(data, pages * page, with_fd ? file.fd() : -1);
    CHILD_CHECK(made);
    region = *std::move(made);
    is_private_ = is_private;
  }

  // What the program wrote, and what the file has, up to a page.
  void check_front(size_t end) const {
    for (size_t i = 0; i < end * page; ++i) {
      const bool in_hole = i / page == hole_, own = is_private_ && i == written_;
      CHILD_CHECK(peek(region, i) == (in_hole ? 0xaa : own ? 0x55 : pattern(i)));
    }
  }

  shared_file file;
  unsigned char* data;
  nosigbus::region region;

 private:
  const size_t hole_;
  static inline const size_t written_ = 3 * page + 5;
  bool is_private_;
};

template <class Body>
void with_each_mixture(Body body) {
  for (const bool old_kernel : {false, true}) {
    for (const bool is_private : {false, true}) {
      for (const bool with_fd : {false, true}) {
        for (const size_t hole : {size_t{0}, size_t{2}}) {
          CAPTURE(old_kernel);
          CAPTURE(is_private);
          CAPTURE(with_fd);
          CAPTURE(hole);
          in_each_entry(exited(0), [=] {
            if (old_kernel) refuse_to_populate();
            mixed what(is_private, with_fd, hole);
            body(what);
          });
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("what is behind the end of the file reads as zeros and the program's memory as it was" NO_QEMU(
    "no filters")) {
  with_each_mixture([](mixed& what) {
    what.file.resize(left * page);
    for (size_t n = pages - 1; n >= left; --n) CHILD_CHECK(peek(what.region, n * page + 7) == 0);
    what.check_front(left);
    CHILD_CHECK(what.region.status().cause == NOSIGBUS_EOF);
    // Nobody knows any more what was where the memory is.
    what.file.resize(pages * page);
    CHILD_CHECK(what.region.refresh() == -ENOTSUP);
    what.check_front(left);
  });
}

// There is no telling it from what the file supplies, nor what is behind it from what is missing.
TEST_CASE("memory behind the end of a private file is no page of it") {
  in_each_entry(exited(0), [] {
    mixed what(true, false, left + 1);
    what.file.resize(left * page);
    for (const size_t n : {left, left + 2}) CHILD_CHECK(peek(what.region, n * page + 7) == 0);
    what.check_front(left);
    for (size_t i = 0; i < page; ++i) CHILD_CHECK(peek(what.region, (left + 1) * page + i) == 0xaa);
    CHILD_CHECK(what.region.status().cause == NOSIGBUS_EOF);
  });
}
