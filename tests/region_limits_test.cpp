// SPDX-License-Identifier: MIT
//
// What regions do not absorb, how they end, and how they meet guarded operations, private mappings,
// seals and fork.
#include "support/region_fixture.h"

#include <fcntl.h>
#include <nosigbus/copy.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "support/fault_context.h"
#include "support/no_qemu.h"

using namespace test;

namespace {

const size_t page = page_size();

// Each origin and entry: body must be killed by signo.
template <class Body>
void each_kills(int signo, Body body) {
  for (const entry how : entries) {
    for (const origin from : origins) {
      CAPTURE(static_cast<int>(how));
      CAPTURE(static_cast<int>(from));
      CHECK(in_child([&] {
              enter_by(how);
              body(from);
              return 0;
            }) == killed_by(signo));
    }
  }
}

}  // namespace

TEST_CASE("a write to a missing page kills by default") {
  each_kills(misuse_signal(), [](origin from) {
    shared_file file(4 * page);
    const nosigbus::region region = make_region(from, file, 4 * page, PROT_READ | PROT_WRITE);
    file.resize(page);
    poke(region, 0, 1);
    poke(region, 2 * page, 1);
  });
}

TEST_CASE("a write to an overlay kills by default") {
  each_kills(SIGSEGV, [](origin from) {
    shared_file file(4 * page);
    const nosigbus::region region = make_region(from, file, 4 * page, PROT_READ | PROT_WRITE);
    file.resize(page);
    CHILD_CHECK(peek(region, 2 * page) == 0);
    poke(region, 2 * page, 1);
  });
}

TEST_CASE("a write to a read-only region kills, also where it would be discarded") {
  each_kills(SIGSEGV, [](origin from) {
    shared_file file(4 * page);
    const nosigbus::region region = make_region(from, file, 4 * page, PROT_READ, NOSIGBUS_DISCARD_WRITES);
    file.resize(page);
    CHILD_CHECK(peek(region, 2 * page) == 0);
    poke(region, 2 * page, 1);
  });
}

TEST_CASE("an overlay has the protection that the range has now" NO_QEMU(
    "forbidden and missing pages cannot be told apart")) {
  with_each_region([](origin from) {
    shared_file file(4 * page);
    const nosigbus::region region = make_region(from, file, 4 * page, PROT_READ, NOSIGBUS_DISCARD_WRITES);
    CHILD_CHECK(mprotect(region.data(), 4 * page, PROT_READ | PROT_WRITE) == 0);
    file.resize(page);
    CHILD_CHECK(peek(region, 2 * page) == 0);
    poke(region, 2 * page, 1);
  });
  each_kills(SIGSEGV, [](origin from) {
    shared_file file(4 * page);
    const nosigbus::region region =
        make_region(from, file, 4 * page, PROT_READ | PROT_WRITE, NOSIGBUS_DISCARD_WRITES);
    CHILD_CHECK(mprotect(region.data(), 4 * page, PROT_READ) == 0);
    file.resize(page);
    CHILD_CHECK(peek(region, 2 * page) == 0);
    poke(region, 2 * page, 1);
  });
}

TEST_CASE("an overlay cannot be made writable" NO_QEMU("zeros that stay unwritable are made by mremap")) {
  each_kills(SIGSEGV, [](origin from) {
    shared_file file(4 * page);
    const nosigbus::region region = make_region(from, file, 4 * page);
    file.resize(page);
    CHILD_CHECK(peek(region, 2 * page) == 0);
    CHILD_CHECK(mprotect(region.data(), 4 * page, PROT_READ | PROT_WRITE) == -1);
    CHILD_CHECK(errno == EACCES);
    const unsigned char byte = 1;
    CHILD_CHECK(nosigbus_safe_write(static_cast<char*>(region.data()) + 2 * page, &byte, 1) == 0);
    poke(region, 2 * page, 1);
  });
}

TEST_CASE("faults beside a region kill") {
  each_kills(SIGBUS, [](origin from) {
    shared_file file(8 * page);
    const nosigbus::region region = make_region(from, file, 4 * page);
    const volatile unsigned char* const other = file.map(8 * page);
    file.resize(0);
    CHILD_CHECK(peek(region, 0) == 0);
    CHILD_CHECK(other[0] == 0xff);  // dies here
  });
}

TEST_CASE("an instruction fetch from a missing page kills") {
  each_kills(misuse_signal(), [](origin from) {
    shared_file file(2 * page);
    const nosigbus::region region = make_region(from, file, 2 * page, PROT_READ | PROT_EXEC);
    file.resize(0);
    reinterpret_cast<void (*)()>(region.data())();
  });
}

TEST_CASE("a released mapping that was adopted stays, overlays included, and kills again elsewhere") {
  each_kills(SIGBUS, [](origin from) {
    if (from == origin::mapped) from = origin::adopted_with_fd;
    shared_file file(4 * page);
    nosigbus::region region = make_region(from, file, 4 * page);
    const volatile unsigned char* const data = static_cast<unsigned char*>(region.data());
    file.resize(2 * page);
    CHILD_CHECK(data[3 * page] == 0);
    region.reset();
    CHILD_CHECK(data[3 * page] == 0);
    CHILD_CHECK(data[0] == pattern(0));
    file.resize(0);
    CHILD_CHECK(data[3 * page] == 0);
    CHILD_CHECK(data[0] == 0xff);  // dies here
  });
}

TEST_CASE("a released region that was mapped is unmapped, and leaves nothing behind") {
  const size_t vmas = count_vmas(), descriptors = count_descriptors();
  for (int i = 0; i < 100; ++i) {
    const shared_file file(4 * page);
    auto region = nosigbus::region::map(file.fd(), 0, 4 * page, PROT_READ);
    REQUIRE(region);
    void* const data = region->data();
    region->reset();
    CHECK(count_vmas(data, 4 * page) == 0);
  }
  CHECK(count_descriptors() == descriptors);
  CHECK(count_vmas() <= vmas + 8);  // descriptors and tree nodes, once
}

TEST_CASE("safe_read inside a region reads on through zeros and says so") {
  with_each_healing_region([](origin from) {
    shared_file file(8 * page);
    nosigbus::region region = make_region(from, file, 8 * page);
    std::vector<unsigned char> out(8 * page, 0xa5);
    const uintptr_t base = reinterpret_cast<uintptr_t>(region.data());
    file.resize(3 * page);
    for (const bool already_there : {false, true}) {
      CAPTURE(already_there);
      CHILD_CHECK(nosigbus_safe_read(out.data(), region.data(), 8 * page) == 8 * page);
      CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_EOF);
      CHILD_CHECK(nosigbus_last_fault()->address == base + 3 * page);
      for (size_t i = 0; i < 8 * page; ++i) CHILD_CHECK(out[i] == (i < 3 * page ? pattern(i) : 0));
    }
    CHILD_CHECK(nosigbus_safe_read(out.data(), region.bytes().data() + 5 * page + 3, 10) == 10);
    CHILD_CHECK(nosigbus_last_fault()->address == base + 5 * page + 3);
    // Not where it does not read.
    CHILD_CHECK(nosigbus_safe_read(out.data(), region.data(), 3 * page) == 3 * page);
    CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_NONE);
    file.resize(8 * page);
    CHILD_CHECK(region.refresh() == 1);
    CHILD_CHECK(nosigbus_safe_read(out.data(), region.data(), 8 * page) == 8 * page);
    CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_NONE);
  });
}

TEST_CASE("safe_write into a region stops at the missing page, also when it is overlaid already") {
  with_each_region([](origin from) {
    shared_file file(8 * page);
    const nosigbus::region region = make_region(from, file, 8 * page, PROT_READ | PROT_WRITE);
    const std::vector<unsigned char> bytes(8 * page, 0x42);
    file.resize(3 * page);
    for (const bool overlaid : {false, true}) {
      if (overlaid) CHILD_CHECK(peek(region, 5 * page) == 0);
      CHILD_CHECK(nosigbus_safe_write(region.data(), bytes.data(), 8 * page) == 3 * page);
      CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_EOF);
      CHILD_CHECK(nosigbus_last_fault()->access == NOSIGBUS_WRITE);
      CHILD_CHECK(nosigbus_safe_fill(region.bytes().data() + 4 * page + 1, 7, 100) == 0);
      CHILD_CHECK(peek(region, 0) == 0x42);
    }
    CHILD_CHECK(is_zero(region, 3 * page, 8 * page));
  });
}

TEST_CASE("private mappings: the dirty prefix survives refresh") {
  with_each_region([](origin from) {
    shared_file file(4 * page);
    nosigbus::region region =
        make_region(from, file, 4 * page, PROT_READ | PROT_WRITE, NOSIGBUS_PRIVATE | NOSIGBUS_DISCARD_WRITES);
    poke(region, 10, 0xd1);
    file.resize(2 * page);
    CHILD_CHECK(is_zero(region, 2 * page, 4 * page));
    file.resize(4 * page);
    file.draw();
    const bool comes_back = from != origin::adopted_without_fd || private_mappings_come_back();
    CHILD_CHECK(region.refresh() == (comes_back ? 1 : -ENOTSUP));
    CHILD_CHECK(peek(region, 10) == 0xd1);
    CHILD_CHECK(peek(region, 3 * page) == (comes_back ? pattern(3 * page) : 0));
  });
}

TEST_CASE("a seal is worth something only where the region lies within the file") {
  shared_file file(4 * page, MFD_ALLOW_SEALING);
  auto inside = nosigbus::region::map(file.fd(), 0, 4 * page, PROT_READ);
  auto beyond = nosigbus::region::map(file.fd(), 0, 4 * page + 1, PROT_READ);
  REQUIRE(inside);
  REQUIRE(beyond);
  CHECK(!inside->status().sealed);
  REQUIRE(fcntl(file.fd(), F_ADD_SEALS, F_SEAL_SHRINK) == 0);
  CHECK(inside->status().sealed);
  CHECK(!beyond->status().sealed);
}

TEST_CASE("guarded reads clip the last partial page on request") {
  for (const unsigned flags : {0u, unsigned{NOSIGBUS_CLIP}}) {
    CAPTURE(flags);
    CHECK(in_child([flags] {
            enter_by(entry::installed);
            shared_file file(4 * page);
            const auto region = nosigbus::region::map(file.fd(), 0, 4 * page, PROT_READ, flags);
            unsigned char* const hostile = file.map(4 * page, PROT_READ | PROT_WRITE);
            file.resize(page + 100);
            memset(hostile + page + 100, 0x66, page - 100);
            std::vector<unsigned char> out(3 * page);
            CHILD_CHECK(nosigbus_safe_read(out.data(), region->data(), 3 * page) == 3 * page);
            for (size_t i = 0; i < 3 * page; ++i) {
              const unsigned char beyond = flags == 0 && i < 2 * page ? 0x66 : 0;
              CHILD_CHECK(out[i] == (i < page + 100 ? pattern(i) : beyond));
            }
            return 0;
          }) == exited(0));
  }
}

TEST_CASE("regions work in a child of fork, and apart from the parent's") {
  with_each_healing_region([](origin from) {
    shared_file file(4 * page);
    nosigbus::region region = make_region(from, file, 4 * page);
    const outcome child = in_child([&] {
      file.resize(page);
      CHILD_CHECK(is_zero(region, page, 4 * page));
      file.resize(4 * page);
      file.draw();
      CHILD_CHECK(region.refresh() == 1);
      file.resize(page);
      CHILD_CHECK(is_zero(region, page, 4 * page));
      region.reset();
      return 0;
    });
    CHILD_CHECK(child == exited(0));
    CHILD_CHECK(!region.status().overlaid);
    CHILD_CHECK(is_zero(region, page, 4 * page));
    CHILD_CHECK(region.status().faults == 1);
  });
}
