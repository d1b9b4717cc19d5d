// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <src/inside/replace.h>
#include <sys/mman.h>
#include <sys/personality.h>
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

void set_limit(__rlimit_resource resource, rlim_t most) {
  const rlimit limit{most, most};
  CHILD_CHECK(setrlimit(resource, &limit) == 0);
}

// In a child each: on this kernel, and on one that is taken for older than Linux 6.17, which is given
// something else. (As far as an emulator lets the kernel's name be changed.)
template <class Body>
void on_each_kernel(Body body) {
  for (const unsigned long kernel : {0ul, static_cast<unsigned long>(UNAME26)}) {
    CAPTURE(kernel);
    CHECK(in_child([&] {
            CHILD_CHECK(personality(static_cast<unsigned long>(personality(0xffffffff)) | kernel) >= 0);
            body();
            return 0;
          }) == exited(0));
  }
}

// Four pages of a byte, of which the two in the middle are not replaced.
class untouched {
 public:
  explicit untouched(int byte) : byte_(byte), memory_(memory_of(byte)) {}
  uintptr_t middle() const { return address_of(memory_ + page); }
  void check() const {
    for (int i = 0; i < 4; ++i) CHILD_CHECK(holds(memory_ + i * page, byte_));
  }

 private:
  const int byte_;
  unsigned char* const memory_;
};

}  // namespace

TEST_CASE("each replacement replaces its range and nothing else") {
  on_each_kernel([] {
    const shared_file file(4 * page);
    unsigned char* const memory = memory_of(0xa5);
    const unsigned char* const source = file.map(4 * page);
    const auto at = address_of(memory + page);
    const auto expect = [=](bool right) {
      CHILD_CHECK(right);
      CHILD_CHECK(holds(memory, 0xa5));
      CHILD_CHECK(holds(memory + 3 * page, 0xa5));
    };
    const auto put = static_cast<long>(at);
    for (const int prot : {PROT_READ, PROT_READ | PROT_WRITE}) {
      for (const auto with : {replace::with_zeros, replace::with_traceable_zeros}) {
        CHILD_CHECK(with(at, 2 * page, prot) == put);
        expect(holds(memory + page, 0) && holds(memory + 2 * page, 0));
        if ((prot & PROT_WRITE) != 0) memory[page] = memory[2 * page] = 1;
      }
      for (const int flags : {MAP_SHARED, MAP_PRIVATE}) {
        CHILD_CHECK(replace::with_file(at, 2 * page, prot, flags, file.fd(), static_cast<off_t>(page)) ==
                    put);
        expect(memcmp(memory + page, source + page, 2 * page) == 0);
      }
    }
    if (mappings_can_be_duplicated()) {
      CHILD_CHECK(replace::with_zeros(at, 2 * page, PROT_READ) == put);
      CHILD_CHECK(replace::with_duplicate(at, 2 * page, address_of(source) + page) == put);
      expect(memcmp(memory + page, source + page, 2 * page) == 0);
    }
  });
}

TEST_CASE(
    "a file whose driver refuses the mapping replaces nothing" NO_QEMU("refuses sockets before the kernel")) {
  on_each_kernel([] {
    const untouched memory(0xa5);
    const int refused = socket(AF_UNIX, SOCK_STREAM, 0);
    CHILD_CHECK(replace::with_file(memory.middle(), 2 * page, PROT_READ, MAP_SHARED, refused, 0) == -ENODEV);
    memory.check();
  });
}

TEST_CASE("nothing is replaced where the limit on address space refuses the mapping" NO_QEMU("no limits")
              NO_TSAN("its shadow is beyond every limit")) {
  on_each_kernel([] {
    const shared_file file(4 * page);
    const unsigned char* const source = file.map(4 * page);
    const untouched memory(0xa5);
    set_limit(RLIMIT_AS, page);
    CHILD_CHECK(replace::with_file(memory.middle(), 2 * page, PROT_READ, MAP_SHARED, file.fd(), 0) ==
                -ENOMEM);
    CHILD_CHECK(replace::with_duplicate(memory.middle(), 2 * page, address_of(source)) == -ENOMEM);
    set_limit(RLIMIT_NOFILE, 0);
    CHILD_CHECK(replace::with_traceable_zeros(memory.middle(), 2 * page, PROT_READ) == -EMFILE);
    memory.check();
  });
}

// Zeros that can be written count as memory beside what they replace, on older kernels.
TEST_CASE("nothing is replaced where a limit refuses writable zeros" NO_QEMU("no limits")
              NO_TSAN("its shadow is beyond every limit")) {
  for (const bool of_all : {true, false}) {
    CAPTURE(of_all);
    on_each_kernel([of_all] {
      const untouched memory(0xa5);
      // Read-only: nothing of it is counted that could be given back.
      CHILD_CHECK(mprotect(reinterpret_cast<void*>(memory.middle() - page), 4 * page, PROT_READ) == 0);
      set_limit(of_all ? RLIMIT_AS : RLIMIT_DATA, 0);
      CHILD_CHECK(replace::with_zeros(memory.middle(), 2 * page, PROT_READ | PROT_WRITE) == -ENOMEM);
      memory.check();
    });
  }
}
