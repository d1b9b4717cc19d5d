// SPDX-License-Identifier: MIT
#include "preload/mappings.h"

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "support/check.h"

namespace fuzz {

namespace {

uint8_t* const arena = reinterpret_cast<uint8_t*>(uintptr_t{1} << 45);

}  // namespace

mappings::mappings(input& from, bool plain)
    : from_(from), plain_(plain), page_size_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
  // Kept free of all but this program's.
  void* const all = mmap(arena, pages * page_size_, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  FUZZ_CHECK(all == arena);
  set({0, pages}, {.mapped = true});
  for (size_t i = 0; i < files; ++i) {
    fds_[i] = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fds_[i] >= 0);
    file_sizes_[i] = most_file_pages;
    std::vector<uint8_t> bytes(most_file_pages * page_size_);
    for (size_t at = 0; at < bytes.size(); ++at) bytes[at] = static_cast<uint8_t>(at / 64 + 7 * i + 1);
    FUZZ_CHECK(pwrite(fds_[i], bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }
}

uint8_t* mappings::address(size_t page) const { return arena + page * page_size_; }

mappings::range mappings::some_pages() {
  const size_t first = from_.below(pages);
  return {first, 1 + from_.below(std::min<size_t>(pages - first, 8))};
}

int mappings::some_prot() {
  constexpr int all[] = {PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_NONE};
  return from_.pick(all);
}

bool mappings::missing(const page_state& page) const {
  return page.of_file && page.page_in_file >= file_sizes_[page.file];
}

void mappings::set(range where, const page_state& what) {
  for (size_t i = 0; i < where.count; ++i) {
    pages_[where.first + i] = what;
    pages_[where.first + i].page_in_file += i;
  }
}

void mappings::step() {
  switch (from_.below(12)) {
    case 0:
    case 1:
    case 2:
      return map_file();
    case 3:
      return map_anonymous();
    case 4:
      return map_elsewhere();
    case 5:
      return unmap();
    case 6:
    case 7:
      return protect();
    case 8:
      return remap();
    case 9:
      return write();
    case 10:
      return cut_off();
    default:
      return nonsense();
  }
}

void mappings::map_file() {
  const range where = some_pages();
  FUZZ_TRACE("map_file %zu+%zu\n", where.first, where.count);
  page_state made{.mapped = true,
                  .of_file = true,
                  .prot = some_prot(),
                  .file = static_cast<unsigned>(from_.below(files))};
  made.page_in_file = from_.below(most_file_pages);
  const int sharing = from_.below(4) == 0 ? MAP_PRIVATE : MAP_SHARED;
  void* const got = mmap(address(where.first), where.count * page_size_, made.prot, sharing | MAP_FIXED,
                         fds_[made.file], static_cast<off_t>(made.page_in_file * page_size_));
  tell_result(reinterpret_cast<long>(got));
  if (got != MAP_FAILED) set(where, made);
}

void mappings::map_anonymous() {
  const range where = some_pages();
  FUZZ_TRACE("map_anonymous %zu+%zu\n", where.first, where.count);
  const page_state made{.mapped = true, .prot = some_prot()};
  constexpr int kinds[] = {MAP_FIXED, MAP_FIXED_NOREPLACE};
  void* const got = mmap(address(where.first), where.count * page_size_, made.prot,
                         MAP_PRIVATE | MAP_ANONYMOUS | from_.pick(kinds), -1, 0);
  tell_result(reinterpret_cast<long>(got));
  if (got != MAP_FAILED) set(where, made);
}

// The kernel chooses where, which is nobody's business.
void mappings::map_elsewhere() {
  const unsigned file = static_cast<unsigned>(from_.below(files));
  const size_t page = from_.below(most_file_pages);
  void* const got =
      mmap(nullptr, page_size_, PROT_READ, MAP_SHARED, fds_[file], static_cast<off_t>(page * page_size_));
  tell(got != MAP_FAILED);
  if (got == MAP_FAILED) return;
  const page_state made{
      .mapped = true, .of_file = true, .prot = PROT_READ, .file = file, .page_in_file = page};
  if (!missing(made)) tell(*static_cast<uint8_t*>(got));
  tell_result(munmap(got, page_size_));
}

void mappings::unmap() {
  const range where = some_pages();
  FUZZ_TRACE("unmap %zu+%zu\n", where.first, where.count);
  const int result = munmap(address(where.first), where.count * page_size_);
  tell_result(result);
  if (result == 0) set(where, {});
}

void mappings::protect() {
  const range where = some_pages();
  FUZZ_TRACE("protect %zu+%zu\n", where.first, where.count);
  const int prot = some_prot();
  const int result = mprotect(address(where.first), where.count * page_size_, prot);
  tell_result(result);
  // Up to the first hole.
  for (size_t i = where.first; i < where.first + where.count && pages_[i].mapped; ++i) pages_[i].prot = prot;
}

void mappings::remap() {
  const range before = some_pages();
  range after = some_pages();
  const bool fixed = from_.flag();
  // What is behind the last page is not ours.
  if (!fixed) after.count = std::min(after.count, pages - before.first);
  const int flags = fixed ? MREMAP_MAYMOVE | MREMAP_FIXED : 0;
  void* const got = mremap(address(before.first), before.count * page_size_, after.count * page_size_, flags,
                           address(after.first));
  tell_result(reinterpret_cast<long>(got));
  FUZZ_TRACE("remap %zu+%zu to %zu+%zu%s: %p\n", before.first, before.count, after.first, after.count,
             fixed ? ", fixed" : "", got);
  // One that fails half-way has taken its target away.
  if (got == MAP_FAILED) {
    if (!fixed) return;
    for (size_t i = 0; i < pages; ++i) {
      if (msync(address(i), page_size_, MS_ASYNC) != 0) pages_[i] = {};
    }
    return;
  }
  // What is longer goes on as its last page.
  page_state moved[pages] = {};
  for (size_t i = 0; i < after.count; ++i) {
    const bool known = i < before.count;
    moved[i] = known ? pages_[before.first + i] : moved[i - 1];
    moved[i].page_in_file += known ? 0 : 1;
  }
  set(before, {});
  std::copy_n(moved, after.count, pages_ + (fixed ? after.first : before.first));
}

void mappings::write() {
  const range where = some_pages();
  const uint8_t value = from_.byte();
  for (size_t i = where.first; i < where.first + where.count; ++i) {
    const bool writable = (pages_[i].prot & PROT_WRITE) != 0 && pages_[i].mapped && !missing(pages_[i]);
    if (writable) *reinterpret_cast<volatile uint8_t*>(address(i) + value) = value;
  }
}

// Never longer again: when what was missing comes back is the healer's to choose.
void mappings::cut_off() {
  const size_t file = from_.below(files);
  file_sizes_[file] = std::min(file_sizes_[file], from_.below(most_file_pages));
  tell_result(ftruncate(fds_[file], static_cast<off_t>(file_sizes_[file] * page_size_)));
}

// Calls that are to fail, and leave all as it is.
void mappings::nonsense() {
  const range where = some_pages();
  uint8_t* const at = address(where.first);
  const size_t length = where.count * page_size_;
  switch (from_.below(8)) {
    case 0:
      return tell_result(munmap(at + 1, length));
    case 1:
      return tell_result(munmap(at, 0));
    case 2:
      return tell_result(mprotect(at + 8, length, PROT_READ));
    case 3:
      return tell_result(reinterpret_cast<long>(mmap(at, length, PROT_READ, MAP_SHARED | MAP_FIXED, -1, 0)));
    case 4:
      return tell_result(
          reinterpret_cast<long>(mmap(at, length, PROT_READ, MAP_SHARED | MAP_FIXED, fds_[0], 17)));
    case 5:
      return tell_result(reinterpret_cast<long>(mmap(at, 0, PROT_READ, MAP_SHARED | MAP_FIXED, fds_[0], 0)));
    case 6:
      return tell_result(reinterpret_cast<long>(mremap(at + 1, length, length, MREMAP_MAYMOVE)));
    default:
      return tell_result(reinterpret_cast<long>(mremap(at, length, length, MREMAP_FIXED, at)));
  }
}

uint64_t mappings::read(size_t page, size_t offset, bool may_fault) const {
  constexpr uint64_t nothing = 0x1000;
  const page_state& what = pages_[page];
  if (!what.mapped || (what.prot & PROT_READ) == 0 || (missing(what) && !may_fault)) return nothing;
  if (!plain_ || !missing(what)) return *reinterpret_cast<const volatile uint8_t*>(address(page) + offset);
  uint8_t byte = 0;
  const iovec to{&byte, 1}, from{address(page) + offset, 1};
  return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1 ? byte : 0;
}

void mappings::read_some(bool may_fault) {
  const range where = some_pages();
  FUZZ_TRACE("read %zu+%zu\n", where.first, where.count);
  const size_t offset = from_.below(256);
  for (size_t i = where.first; i < where.first + where.count; ++i) tell(read(i, offset, may_fault));
}

void mappings::read_all(bool may_fault) {
  for (size_t i = 0; i < pages; ++i) {
    for (const size_t offset : {size_t{0}, size_t{100}, page_size_ - 1}) tell(read(i, offset, may_fault));
  }
}

}  // namespace fuzz
