// SPDX-License-Identifier: MIT
//
// What can run out, or be forbidden, when a fault is to be repaired: then it is declined, and never repeated
// for ever, never repaired in somebody else's memory.
#include <nosigbus/copy.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>
#include <vector>

#include "support/crowd.h"
#include "support/each_entry.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"
#include "support/refusal.h"
#include "support/region_fixture.h"

using namespace test;

namespace {

const size_t page = page_size();

// The first page of the region is left, and read as zeros the others cannot be.
void check_declined(const nosigbus::region& region) {
  std::vector<unsigned char> copy(4 * page, 0xee);
  CHILD_CHECK(nosigbus_safe_read(copy.data(), region.data(), 4 * page) == page);
  CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_EOF);
  CHILD_CHECK(nosigbus_last_fault()->address == reinterpret_cast<uintptr_t>(region.data()) + page);
  CHILD_CHECK(copy[page - 1] == pattern(page - 1));
  CHILD_CHECK(copy[page] == 0);
  CHILD_CHECK(!region.status().overlaid);
  CHILD_CHECK(nosigbus_region_prefault(region.get(), 0, 4 * page) == -EFAULT);
}

// Each origin and entry: the process prepares itself, the file is cut off, and the fault is declined.
template <class Prepare>
void each_declines(Prepare prepare) {
  for (const entry how : entries) {
    for (const origin from : origins) {
      CAPTURE(static_cast<int>(how));
      CAPTURE(static_cast<int>(from));
      CHECK(in_child([&] {
              enter_by(how);
              shared_file file(4 * page);
              const nosigbus::region region = make_region(from, file, 4 * page);
              CHILD_CHECK(peek(region, 0) == pattern(0));
              prepare(region);
              file.resize(page);
              check_declined(region);
              peek(region, 2 * page);
              return 0;
            }) == killed_by(SIGBUS));
    }
  }
}

bool can_seal_mappings() {
  return in_child([] {
           constexpr long mseal = 462;
           void* const memory = mmap(nullptr, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
           return syscall(mseal, memory, page, 0) == 0 ? 0 : 1;
         }) == exited(0);
}

// Whatever is mapped from now on. Nobody but root may lock more.
void lock_up_to(size_t bytes) {
  const rlimit limit{bytes, bytes};
  CHILD_CHECK(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
  if (getuid() == 0) CHILD_CHECK(setgid(65534) == 0 && setuid(65534) == 0);
  CHILD_CHECK(mlockall(MCL_FUTURE) == 0);
}

}  // namespace

TEST_CASE("a mapping that the kernel has sealed" NO_QEMU("no mseal")) {
  if (!can_seal_mappings()) {
    MESSAGE("skipped: no mseal (Linux 6.10)");
    return;
  }
  each_declines([](const nosigbus::region& region) {
    constexpr long mseal = 462;
    CHILD_CHECK(syscall(mseal, region.data(), 4 * page, 0) == 0);
  });
}

TEST_CASE("the map limit is reached" NO_QEMU("no map limit") NO_TSAN("its runtime needs mappings")) {
  if (!map_limit_is_near()) return;
  each_declines([](const nosigbus::region&) { crowd().fill(); });
}

TEST_CASE("address space is used up" NO_QEMU("no limits") NO_TSAN("its shadow is beyond every limit")) {
  each_declines([](const nosigbus::region&) {
    const rlimit none{page, page};
    CHILD_CHECK(setrlimit(RLIMIT_AS, &none) == 0);
  });
}

TEST_CASE("what cannot be put back stays overlaid" NO_QEMU("no limits")
              NO_TSAN("its shadow is beyond limits")) {
  with_each_healing_region([](origin from) {
    shared_file file(4 * page);
    nosigbus::region region = make_region(from, file, 4 * page);
    file.resize(page);
    CHILD_CHECK(peek(region, 2 * page) == 0);
    file.resize(4 * page);
    rlimit before;
    CHILD_CHECK(getrlimit(RLIMIT_AS, &before) == 0);
    const rlimit none{page, before.rlim_max};
    CHILD_CHECK(setrlimit(RLIMIT_AS, &none) == 0);
    CHILD_CHECK(region.refresh() == -ENOMEM);
    CHILD_CHECK(is_zero(region, page, 4 * page));
    CHILD_CHECK(region.status().overlaid);
    CHILD_CHECK(setrlimit(RLIMIT_AS, &before) == 0);
    CHILD_CHECK(region.refresh() == 1);
    CHILD_CHECK(is_zero(region, page, 4 * page));
    CHILD_CHECK(vmas_in(region) == 1);
  });
}

TEST_CASE("a process that locks all of its memory is served up to its limit unless it may not unlock" NO_QEMU(
    "no mlockall")) {
  const bool limited = in_child([] {
                         lock_up_to(8 * page);
                         constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS;
                         return mmap(nullptr, 9 * page, PROT_READ, flags, -1, 0) == MAP_FAILED ? 0 : 1;
                       }) == exited(0);
  if (!limited) MESSAGE("nothing is locked here: sanitizers have it do nothing");
  for (const bool may_unlock : {true, false}) {
    CAPTURE(may_unlock);
    in_each_entry(may_unlock || !limited ? exited(0) : killed_by(SIGBUS), [may_unlock] {
      shared_file file(500 * page);
      lock_up_to(768 * page);
      const nosigbus::region region = make_region(origin::mapped, file, 500 * page);
      if (!may_unlock) refuse({SYS_munlock, EPERM});
      file.resize(0);
      CHILD_CHECK(peek(region, 0) == 0);
      CHILD_CHECK(peek(region, 499 * page) == 0);
    });
  }
}

TEST_CASE("descriptors: half of what the program may have is left to it") {
  CHECK(in_child([] {
          enter_by(entry::installed);
          rlimit limit{300, 300};
          CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
          shared_file file(4 * page);
          std::vector<nosigbus::region> regions;
          for (int i = 0; i < 400; ++i) regions.push_back(make_region(origin::mapped, file, 4 * page));
          CHILD_CHECK(count_descriptors() <= 160);
          file.resize(page);
          for (const auto& region : regions) {
            CHILD_CHECK(is_pattern(region, 0, page));
            CHILD_CHECK(is_zero(region, page, 4 * page));
            CHILD_CHECK(region.status().cause == NOSIGBUS_EOF);
          }
          return 0;
        }) == exited(0));
}

TEST_CASE(
    "a child of vfork, which has its parent's memory, absorbs for both" NO_TSAN("vfork is fork there")) {
  with_each_healing_region([](origin from) {
    shared_file file(4 * page);
    nosigbus::region region = make_region(from, file, 4 * page);
    file.resize(page);
    const pid_t child = vfork();
    if (child == 0) _exit(peek(region, 3 * page) == 0 ? 0 : 1);
    CHILD_CHECK(wait_for(child, 10) == exited(0));
    CHILD_CHECK(is_zero(region, page, 4 * page));
    CHILD_CHECK(region.status().faults <= 1);
    file.resize(4 * page);
    CHILD_CHECK(region.refresh() == 1);
  });
}
