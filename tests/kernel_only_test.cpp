// SPDX-License-Identifier: MIT
//
// What only a kernel shows: user-mode emulators know none of it. A kernel that lacks a facility skips the
// test with a message.
#include <errno.h>
#include <nosigbus/copy.h>
#include <nosigbus/scan.h>
#include <signal.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/each_entry.h"
#include "support/no_qemu.h"
#include "support/poison.h"
#include "support/region_fixture.h"

using namespace test;

namespace {

const size_t page = page_size();
constexpr int populate_read = 22, populate_write = 23;  // Linux 5.14

unsigned char* anonymous_pages(size_t count) {
  void* const address =
      mmap(nullptr, count * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHILD_CHECK(address != MAP_FAILED);
  memset(address, 0x55, count * page);
  return static_cast<unsigned char*>(address);
}

}  // namespace

TEST_CASE("Each access is told by the kernel" NO_QEMU("no syndrome")) {
  in_each_entry(exited(0), [] {
    shared_file file(2 * page);
    unsigned char* const base = file.map(2 * page, PROT_READ | PROT_WRITE);
    file.resize(page);
    std::vector<unsigned char> bytes(2 * page, 1);
    for (const size_t n : {size_t{1}, size_t{16}, size_t{100}, page}) {
      CHILD_CHECK(nosigbus_safe_read(bytes.data(), base + page, n) == 0);
      CHILD_CHECK(nosigbus_last_fault()->access == NOSIGBUS_READ);
      CHILD_CHECK(nosigbus_safe_write(base + page, bytes.data(), n) == 0);
      CHILD_CHECK(nosigbus_last_fault()->access == NOSIGBUS_WRITE);
      CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_MISSING);
      CHILD_CHECK(nosigbus_last_fault()->address == reinterpret_cast<uintptr_t>(base + page));
    }
  });
}

TEST_CASE("An address with a tag counts as the address") {
  // Where the machine ignores none of an address (or these bits), it faults elsewhere: nothing to see.
  constexpr uintptr_t tag = uintptr_t{0x5a} << 56;
  if (in_child([] {
        static volatile int word = 1;
        return *reinterpret_cast<volatile int*>(reinterpret_cast<uintptr_t>(&word) | tag) - 1;
      }) != exited(0)) {
    MESSAGE("skipped: addresses have no tags here");
    return;
  }
  in_each_entry(exited(0), [] {
    shared_file file(2 * page);
    unsigned char* const base = file.map(2 * page, PROT_READ | PROT_WRITE);
    file.resize(page);
    auto* const tagged = reinterpret_cast<unsigned char*>(reinterpret_cast<uintptr_t>(base) | tag);
    std::vector<unsigned char> bytes(2 * page);
    for (const size_t n : {size_t{7}, size_t{20}, size_t{60}, size_t{128}, page}) {
      CHILD_CHECK(nosigbus_safe_read(bytes.data(), tagged + page - 5, n) == 5);
      CHILD_CHECK(nosigbus_safe_write(tagged + page - 5, bytes.data(), n) == 5);
      CHILD_CHECK(nosigbus_safe_fill(tagged + page - 5, 1, n) == 5);
      CHILD_CHECK(nosigbus_safe_memchr(tagged + page - 5, 2, n) == 5);
      CHILD_CHECK(nosigbus_last_fault()->address == reinterpret_cast<uintptr_t>(tagged + page));
      CHILD_CHECK(nosigbus_safe_strnlen(reinterpret_cast<char*>(tagged + page - 5), SIZE_MAX) == 5);
      CHILD_CHECK(nosigbus_safe_memcmp(tagged + page - n, base + page - n, 2 * n) == n);
    }
  });
}

TEST_CASE("A fault while SIGBUS is blocked kills" NO_QEMU("it repeats for ever")) {
  with_each_region([](origin from) {
    CHILD_CHECK(in_child([from] {
                  shared_file file(page);
                  const nosigbus::region region = make_region(from, file, page);
                  sigset_t set;
                  sigemptyset(&set);
                  sigaddset(&set, SIGBUS);
                  sigprocmask(SIG_BLOCK, &set, nullptr);
                  file.resize(0);
                  return peek(region, 0);
                }) == killed_by(SIGBUS));
  });
}

TEST_CASE("Poisoned memory ends a guarded copy and is told as such" NO_QEMU("no MADV_HWPOISON")) {
  if (!can_poison()) return;
  in_each_entry(exited(0), [] {
    unsigned char* const base = anonymous_pages(3);
    CHILD_CHECK(poison(base + page) == 0);
    std::vector<unsigned char> bytes(3 * page, 1);
    CHILD_CHECK(nosigbus_safe_read(bytes.data(), base + 100, 2 * page) == page - 100);
    const nosigbus_fault fault = *nosigbus_last_fault();
    CHILD_CHECK(fault.cause == NOSIGBUS_POISON);
    CHILD_CHECK(fault.signo == SIGBUS);
    CHILD_CHECK(fault.code == BUS_MCEERR_AR);
    CHILD_CHECK(fault.granule == page);
    CHILD_CHECK(fault.address == reinterpret_cast<uintptr_t>(base + page));
    CHILD_CHECK(bytes[page - 101] == 0x55 && bytes[page - 100] == 0);
    CHILD_CHECK(nosigbus_safe_write(base + page - 3, bytes.data(), 10) == 3);
  });
}

TEST_CASE("A region absorbs poison page by page and on request only" NO_QEMU("no MADV_HWPOISON")) {
  if (!can_poison()) return;
  for (const unsigned flags : {0u, unsigned{NOSIGBUS_ABSORB_IO}, unsigned{NOSIGBUS_ABSORB_POISON}}) {
    CAPTURE(flags);
    const bool absorbs = flags == NOSIGBUS_ABSORB_POISON;
    in_each_entry(absorbs ? exited(0) : killed_by(SIGBUS), [=] {
      const shared_file file(4 * page);
      const nosigbus::region region = make_region(origin::mapped, file, 4 * page, PROT_READ, flags);
      unsigned char* const other = file.map(4 * page, PROT_READ | PROT_WRITE);
      CHILD_CHECK(poison(other + page) == 0);
      CHILD_CHECK(is_zero(region, page, 2 * page));
      CHILD_CHECK(region.status().cause == NOSIGBUS_POISON);
      CHILD_CHECK(region.status().first_bad_offset == page);
      CHILD_CHECK(is_pattern(region, 0, page));
      CHILD_CHECK(is_pattern(region, 2 * page, 4 * page));
    });
  }
}

TEST_CASE("What a region is readied for is told from poison as its faults are" NO_QEMU("no MADV_HWPOISON")) {
  if (!can_poison()) return;
  for (const unsigned flags : {0u, unsigned{NOSIGBUS_ABSORB_IO}, unsigned{NOSIGBUS_ABSORB_POISON}}) {
    CAPTURE(flags);
    const bool absorbs = flags == NOSIGBUS_ABSORB_POISON;
    in_each_entry(exited(0), [=] {
      const shared_file file(4 * page);
      nosigbus::region region = make_region(origin::mapped, file, 4 * page, PROT_READ, flags);
      unsigned char* const other = file.map(4 * page, PROT_READ | PROT_WRITE);
      CHILD_CHECK(poison(other + page) == 0);
      CHILD_CHECK(nosigbus_region_prefault(region.get(), 0, 4 * page) == (absorbs ? 0 : -EFAULT));
      CHILD_CHECK(region.status().cause == (absorbs ? NOSIGBUS_POISON : NOSIGBUS_NONE));
    });
  }
}

TEST_CASE("Populating tells missing pages from forbidden ones" NO_QEMU("it does nothing and returns 0")) {
  const auto populate = [](void* address, int how) { return madvise(address, page, how) == 0 ? 0 : errno; };
  if (madvise(nullptr, 0, populate_read) != 0) {
    MESSAGE("skipped: no MADV_POPULATE_READ before Linux 5.14");
    return;
  }
  shared_file file(2 * page);
  unsigned char* const base = file.map(2 * page);
  file.resize(page);
  CHECK(populate(base, populate_read) == 0);
  CHECK(populate(base, populate_write) == EINVAL);
  CHECK(populate(base + page, populate_read) == EFAULT);
  CHECK(populate(nullptr, populate_read) == ENOMEM);
  munmap(base, 2 * page);
}
