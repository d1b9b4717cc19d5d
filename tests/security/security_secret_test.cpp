// SPDX-License-Identifier: MIT
//
// What the other side can learn, and what it cannot.
#include <fcntl.h>

#include <cstring>
#include <vector>

#include "scene.h"
#include "support/file_kind.h"

using namespace test;

namespace {

const size_t page = page_size();
constexpr size_t pages = 4096;

// Memory that has held something, and is the kernel's again.
void leave_secrets_behind() {
  constexpr size_t size = size_t{16} << 20;
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHILD_CHECK(memory != MAP_FAILED);
  memset(memory, 0x5e, size);
  munmap(memory, size);
}

// What the other side sees of its file.
bool file_is(int fd, size_t begin, size_t end, unsigned char value) {
  std::vector<unsigned char> bytes(end - begin);
  CHILD_CHECK(pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(begin)) ==
              static_cast<ssize_t>(bytes.size()));
  for (const unsigned char byte : bytes) {
    if (byte != value) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("what stands for missing pages is zero and nobody else's memory") {
  for (const origin from : origins) {
    for (const unsigned flags : {0u, unsigned{NOSIGBUS_DISCARD_WRITES}}) {
      CAPTURE(static_cast<int>(from));
      CAPTURE(flags);
      CHECK(in_child([&] {
              enter_by(entry::installed);
              shared_file file(pages * page);
              const int prot = flags == 0 ? PROT_READ : PROT_READ | PROT_WRITE;
              const nosigbus::region region = make_region(from, file, pages * page, prot, flags);
              leave_secrets_behind();
              file.resize(0);
              if (flags != 0) poke(region, page, 0x5e);
              for (size_t at = flags != 0 ? 2 * page : 0; at < pages * page; at += 8) {
                CHILD_CHECK(*reinterpret_cast<const volatile uint64_t*>(&region.bytes()[at]) == 0);
              }
              return 0;
            }) == exited(0));
    }
  }
}

TEST_CASE("nothing that the server writes where a page is missing reaches the file") {
  for (const origin from : origins) {
    CAPTURE(static_cast<int>(from));
    CHECK(in_child([from] {
            enter_by(entry::installed);
            shared_file file(8 * page);
            nosigbus::region region =
                make_region(from, file, 8 * page, PROT_READ | PROT_WRITE, NOSIGBUS_DISCARD_WRITES);
            file.resize(2 * page);
            for (size_t at = 2 * page; at < 8 * page; at += 64) poke(region, at, 0x5e);
            file.resize(8 * page);
            CHILD_CHECK(file_is(file.fd(), 2 * page, 8 * page, 0));
            CHILD_CHECK(region.refresh() == 1);
            CHILD_CHECK(file_is(file.fd(), 2 * page, 8 * page, 0));
            CHILD_CHECK(is_zero(region, 2 * page, 8 * page));
            return 0;
          }) == exited(0));
  }
}

TEST_CASE("a region with its descriptor is repaired without a trace in the file") {
  CHECK(in_child([] {
          be_a_server();
          shared_file file(0);
          file.resize(pages / 2 * page);
          nosigbus::region region = make_region(origin::mapped, file, pages * page, PROT_READ, hardened);
          for (size_t at = pages / 2; at < pages; at += 100) CHILD_CHECK(peek(region, at * page) == 0);
          dispatched();
          CHILD_CHECK(region.refresh() == 0);
          CHILD_CHECK(allocated_pages(file.fd()) == 0);
          return 0;
        }) == exited(0));
}

TEST_CASE("a region without a descriptor is found out by the pages of holes that are looked at") {
  CHECK(in_child([] {
          be_a_server();
          shared_file file(0);
          file.resize(pages / 2 * page);
          nosigbus::region region =
              make_region(origin::adopted_without_fd, file, pages * page, PROT_READ, hardened);
          CHILD_CHECK(peek(region, (pages - 1) * page) == 0);
          const size_t looked_at = allocated_pages(file.fd());
          // A search by halves: this tells that somebody looked for the end.
          CHILD_CHECK(looked_at > 0 && looked_at <= 13);
          region.refresh();
          CHILD_CHECK(allocated_pages(file.fd()) <= 13 + 16 + 13);
          return 0;
        }) == exited(0));
}

TEST_CASE("which pages of holes were read is seen with and without a region") {
  for (const bool guarded : {false, true}) {
    CHECK(in_child([guarded] {
            enter_by(entry::installed);
            shared_file file(0);
            file.resize(64 * page);
            nosigbus::region region;
            const unsigned char* data = file.map(64 * page);
            if (guarded) {
              region = make_region(origin::mapped, file, 64 * page, PROT_READ, hardened);
              data = static_cast<const unsigned char*>(region.data());
            }
            for (size_t at = 0; at < 64; at += 16) {
              CHILD_CHECK(*static_cast<const volatile unsigned char*>(data + at * page) == 0);
            }
            CHILD_CHECK(allocated_pages(file.fd()) == 4);
            CHILD_CHECK(lseek(file.fd(), static_cast<off_t>(page), SEEK_DATA) ==
                        static_cast<off_t>(16 * page));
            return 0;
          }) == exited(0));
  }
}
