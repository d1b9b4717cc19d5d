// SPDX-License-Identifier: MIT
//
// Mappings of all kinds, and what a program can do to one that is damaged.
#include <sys/syscall.h>

#include <fstream>

#include "scenario.h"

using namespace preload_test;

namespace {

void read_to_the_end(int flags, int prot, mapped_file::where place, size_t left) {
  const mapped_file file(16, flags, prot, place);
  EXPECT(file[0] == filler);
  file.truncate(left);
  const size_t begin = (left + page - 1) / page * page;
  EXPECT(all_are(file, 0, left, filler));
  EXPECT(all_are(file, begin, file.size(), 0));
}

void read_all_kinds(mapped_file::where place) {
  for (const int flags : {MAP_SHARED, MAP_PRIVATE}) {
    for (const int prot : {PROT_READ, PROT_READ | PROT_WRITE}) {
      for (const size_t left : {size_t{0}, size_t{1}, 5 * page, 5 * page + 7, 15 * page}) {
        read_to_the_end(flags, prot, place, left);
      }
    }
  }
}

}  // namespace

SCENARIO(memory_files) { read_all_kinds(mapped_file::where::memory); }
SCENARIO(shared_memory_files) { read_all_kinds(mapped_file::where::shm); }
SCENARIO(disk_files) { read_all_kinds(mapped_file::where::disk); }

SCENARIO(huge_pages_of_odd_length) {
  constexpr size_t huge = size_t{2} << 20;
  const int fd = memfd_create("huge", MFD_HUGETLB);
  // None reserved: nothing to be seen here.
  if (fd < 0 || ftruncate(fd, 2 * huge) != 0) return;
  const size_t length = 2 * huge - 5 * page;
  void* const mapped = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return;
  auto* const data = static_cast<volatile unsigned char*>(mapped);
  EXPECT(ftruncate(fd, 0) == 0);
  EXPECT(data[5] == 0);
  EXPECT(data[huge + 5] == 0);
}

SCENARIO(written_bytes_go_nowhere) {
  const mapped_file file(4);
  file.truncate(page);
  file[2 * page] = 7;
  EXPECT(file[2 * page] == 7);
  struct seen {
    unsigned char byte;
  } there{};
  EXPECT(pread(file.fd(), &there, 1, 2 * page) == 0);
}

SCENARIO(mapped_by_a_raw_system_call) {
  const mapped_file file(4);
  auto* const data = reinterpret_cast<volatile unsigned char*>(
      syscall(SYS_mmap, nullptr, 4 * page, PROT_READ, MAP_SHARED, file.fd(), 0L));
  file.truncate(0);
  EXPECT(data[page] == 0);
}

SCENARIO(a_mapping_grows_after_damage) {
  const mapped_file file(4);
  file.truncate(page);
  EXPECT(file[2 * page] == 0);
  auto* const moved =
      static_cast<volatile unsigned char*>(mremap(file.address(), 4 * page, 64 * page, MREMAP_MAYMOVE));
  EXPECT(moved != MAP_FAILED);
  EXPECT(moved[0] == filler);
  EXPECT(moved[3 * page] == 0);
  EXPECT(moved[63 * page] == 0);
  file.grow_back(3);
  EXPECT(becomes(moved[3 * page], 3));
}

SCENARIO(a_damaged_mapping_is_moved) {
  const mapped_file file(4);
  file.truncate(page);
  EXPECT(file[2 * page] == 0);
  void* const room = mmap(nullptr, 4 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  auto* const moved = static_cast<volatile unsigned char*>(
      mremap(file.address(), 4 * page, 4 * page, MREMAP_MAYMOVE | MREMAP_FIXED, room));
  EXPECT(moved == room);
  EXPECT(moved[0] == filler);
  EXPECT(moved[2 * page] == 0);
  EXPECT(munmap(room, 4 * page) == 0);
}

SCENARIO(a_damaged_mapping_is_duplicated) {
  const mapped_file file(4);
  file.truncate(page);
  EXPECT(file[2 * page] == 0);
  auto* const second =
      static_cast<volatile unsigned char*>(mremap(file.address(), 0, 4 * page, MREMAP_MAYMOVE));
  EXPECT(second != MAP_FAILED);
  EXPECT(second[0] == filler);
  EXPECT(second[3 * page] == 0);
  file.grow_back(8);
  EXPECT(becomes(second[3 * page], 8));
  EXPECT(becomes(file[3 * page], 8));
}

SCENARIO(parts_are_unmapped) {
  const mapped_file file(8);
  file.truncate(page);
  EXPECT(file[4 * page] == 0);
  EXPECT(munmap(file.address(4 * page), page) == 0);
  auto* const there =
      static_cast<volatile unsigned char*>(mmap(file.address(4 * page), page, PROT_READ | PROT_WRITE,
                                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
  EXPECT(there == file.address(4 * page));
  there[0] = 42;
  EXPECT(file[3 * page] == 0);
  EXPECT(file[7 * page] == 0);
  file.grow_back(6);
  EXPECT(becomes(file[3 * page], 6));
  EXPECT(becomes(file[7 * page], 6));
  EXPECT(there[0] == 42);
}

SCENARIO(something_else_is_mapped_over_it) {
  const mapped_file file(8), other(2);
  file.truncate(0);
  EXPECT(file[4 * page] == 0);
  EXPECT(mmap(file.address(2 * page), 2 * page, PROT_READ, MAP_SHARED | MAP_FIXED, other.fd(), 0) ==
         file.address(2 * page));
  EXPECT(file[2 * page] == filler);
  EXPECT(file[5 * page] == 0);
  file.grow_back(9);
  EXPECT(becomes(file[5 * page], 9));
  EXPECT(file[2 * page] == filler);
  other.truncate(0);
  EXPECT(file[3 * page] == 0);
  other.grow_back(4);
  EXPECT(becomes(file[3 * page], 4));
}

SCENARIO(its_protection_changes) {
  const mapped_file file(8, MAP_SHARED, PROT_READ);
  file.truncate(page);
  EXPECT(file[4 * page] == 0);
  EXPECT(mprotect(file.address(), 8 * page, PROT_READ | PROT_WRITE) == 0);
  file[5 * page] = 1;
  EXPECT(file[5 * page] == 1);
  file[0] = 2;
  file.grow_back(9);
  EXPECT(becomes(file[4 * page], 9));
  file[4 * page] = 3;
  unsigned char there = 0;
  EXPECT(pread(file.fd(), &there, 1, 4 * page) == 1);
  EXPECT(there == 3);
}

// The C library's own calls, and those of other languages, are not seen.
SCENARIO(memory_that_took_its_place_unseen_is_let_alone) {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
  EXPECT(syscall(SYS_munmap, file.address(), 4 * page) == 0);
  const long fresh = syscall(SYS_mmap, file.address(), 4 * page, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0L);
  EXPECT(reinterpret_cast<void*>(fresh) == file.address());
  file[page] = 77;
  file.grow_back(5);
  usleep(200'000);
  EXPECT(file[page] == 77);
  EXPECT(file[2 * page] == 0);
}

// Each page that is cut off could become a mapping of its own, up to vm.max_map_count.
SCENARIO(cut_off_page_by_page) {
  const mapped_file file(64);
  for (size_t left = 63; left > 0; --left) {
    file.truncate(left * page);
    file[left * page] = 1;
  }
  const auto begin = reinterpret_cast<uintptr_t>(file.address());
  std::ifstream maps("/proc/self/maps");
  unsigned mappings = 0;
  for (std::string line; std::getline(maps, line);) {
    const uintptr_t at = std::stoul(line, nullptr, 16);
    if (at >= begin && at < begin + file.size()) ++mappings;
  }
  EXPECT(mappings <= 8);
}

SCENARIO(nothing_is_left_behind) {
  const unsigned descriptors = count_entries("/proc/self/fd");
  for (int i = 0; i < 300; ++i) {
    const mapped_file file(4);
    file.truncate(0);
    EXPECT(file[page] == 0);
    EXPECT(munmap(file.address(), 4 * page) == 0);
  }
  EXPECT(count_entries("/proc/self/fd") == descriptors);
}
