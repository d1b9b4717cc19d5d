// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <src/inside/replace.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "support/child.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"
#include "support/region_fixture.h"

using namespace test;

namespace replace = nosigbus::replace;

namespace {

const size_t page = page_size();

// Four pages that all hold this byte.
unsigned char* memory_of(int byte) {
  void* const memory = mmap(nullptr, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHILD_CHECK(memory != MAP_FAILED);
  memset(memory, byte, 4 * page);
  return static_cast<unsigned char*>(memory);
}

bool holds(const unsigned char* at, int byte) {
  for (size_t i = 0; i < page; ++i) {
    if (at[i] != byte) return false;
  }
  return true;
}

uintptr_t address_of(const void* at) { return reinterpret_cast<uintptr_t>(at); }

void limit_address_space() {
  const rlimit none{page, page};
  CHILD_CHECK(setrlimit(RLIMIT_AS, &none) == 0);
}

}  // namespace

TEST_CASE("each replacement replaces its range and nothing else") {
  CHECK(in_child([] {
          const shared_file file(4 * page);
          unsigned char* const memory = memory_of(0xa5);
          const unsigned char* const source = file.map(4 * page);
          const auto at = address_of(memory + page);
          const auto expect = [=](bool right) {
            CHILD_CHECK(right);
            CHILD_CHECK(holds(memory, 0xa5));
            CHILD_CHECK(holds(memory + 3 * page, 0xa5));
          };
          for (const int prot : {PROT_READ, PROT_READ | PROT_WRITE}) {
            CHILD_CHECK(replace::with_zeros(at, 2 * page, prot) == static_cast<long>(at));
            expect(holds(memory + page, 0) && holds(memory + 2 * page, 0));
            for (const int flags : {MAP_SHARED, MAP_PRIVATE}) {
              CHILD_CHECK(replace::with_file(at, 2 * page, prot, flags, file.fd(),
                                             static_cast<off_t>(page)) == static_cast<long>(at));
              expect(memcmp(memory + page, source + page, 2 * page) == 0);
            }
          }
          if (mappings_can_be_duplicated()) {
            CHILD_CHECK(replace::with_zeros(at, 2 * page, PROT_READ) == static_cast<long>(at));
            CHILD_CHECK(replace::with_duplicate(at, 2 * page, address_of(source) + page) ==
                        static_cast<long>(at));
            expect(memcmp(memory + page, source + page, 2 * page) == 0);
          }
          return 0;
        }) == exited(0));
}

TEST_CASE(
    "a file whose driver refuses the mapping replaces nothing" NO_QEMU("refuses sockets before the kernel")) {
  CHECK(in_child([] {
          unsigned char* const memory = memory_of(0xa5);
          const int refused = socket(AF_UNIX, SOCK_STREAM, 0);
          CHILD_CHECK(replace::with_file(address_of(memory + page), 2 * page, PROT_READ, MAP_SHARED, refused,
                                         0) == -ENODEV);
          for (int i = 0; i < 4; ++i) CHILD_CHECK(holds(memory + i * page, 0xa5));
          return 0;
        }) == exited(0));
}

TEST_CASE("nothing is replaced where the limit on address space refuses the mapping" NO_QEMU("no limits")
              NO_TSAN("its shadow is beyond every limit")) {
  CHECK(in_child([] {
          const shared_file file(4 * page);
          const unsigned char* const source = file.map(4 * page);
          unsigned char* const memory = memory_of(0xa5);
          const auto at = address_of(memory + page);
          limit_address_space();
          CHILD_CHECK(replace::with_file(at, 2 * page, PROT_READ, MAP_SHARED, file.fd(), 0) == -ENOMEM);
          CHILD_CHECK(replace::with_duplicate(at, 2 * page, address_of(source)) == -ENOMEM);
          for (int i = 0; i < 4; ++i) CHILD_CHECK(holds(memory + i * page, 0xa5));
          return 0;
        }) == exited(0));
}
