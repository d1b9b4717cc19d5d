// SPDX-License-Identifier: MIT
#include "copy/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "support/check.h"

namespace fuzz {

namespace {

int make_file(size_t size) {
  const int fd = memfd_create("fuzz", MFD_CLOEXEC);
  FUZZ_CHECK(fd >= 0);
  FUZZ_CHECK(ftruncate(fd, static_cast<off_t>(size)) == 0);
  return fd;
}

}  // namespace

memory::memory(badness kind)
    : kind_(kind), page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))), bytes_(size()) {
  // What is behind the end of a region's file is of its last page.
  file_ = make_file(size());
  void* const all = mmap(nullptr, size(), PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
  FUZZ_CHECK(all != MAP_FAILED);
  base_ = static_cast<uint8_t*>(all);
  uint8_t* const middle = base_ + edge();
  if (kind == badness::truncated) {
    const int cut_off = make_file(0);
    FUZZ_CHECK(mmap(middle, page_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, cut_off, 0) == middle);
    close(cut_off);
  }
  if (kind == badness::forbidden) FUZZ_CHECK(mprotect(middle, page_, PROT_NONE) == 0);
  if (kind == badness::read_only) FUZZ_CHECK(mprotect(middle, page_, PROT_READ) == 0);
}

memory::~memory() {
  munmap(base_, size());
  close(file_);
}

void memory::enter() {
  if (!is_region()) return;
  FUZZ_CHECK(ftruncate(file_, static_cast<off_t>(file_size())) == 0);
  munmap(base_, size());
  const unsigned flags = kind_ == badness::clipped_region ? NOSIGBUS_CLIP : 0;
  FUZZ_CHECK(nosigbus_map(&region_, file_, 0, size(), PROT_READ | PROT_WRITE, flags) == 0);
  base_ = static_cast<uint8_t*>(nosigbus_region_data(region_));
  FUZZ_CHECK(nosigbus_region_prefault(region_, 0, size()) == 0);
  std::fill(bytes_.begin(), bytes_.end(), 0);
  fill(0, edge(), bytes_.data());
}

void memory::leave() {
  if (region_ == nullptr) return;
  FUZZ_CHECK(nosigbus_region_release(region_) == 0);
  region_ = nullptr;
  // Something else could come to lie there.
  void* const place =
      mmap(base_, size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  FUZZ_CHECK(place == base_);
}

nosigbus_cause memory::cause() const {
  if (kind_ == badness::truncated) return NOSIGBUS_MISSING;
  return is_region() ? NOSIGBUS_EOF : NOSIGBUS_PROTECTED;
}

void memory::set(size_t at, uint8_t value) {
  if (!can_be_set(at)) return;
  bytes_[at] = value;
  base_[at] = value;
}

void memory::fill(size_t begin, size_t end, const uint8_t* with) {
  const auto piece = [this, begin, with](size_t from, size_t to) {
    if (from >= to) return;
    memcpy(base_ + from, with + (from - begin), to - from);
    memcpy(&bytes_[from], with + (from - begin), to - from);
  };
  if (kind_ == badness::none) return piece(begin, end);
  piece(begin, std::min(end, edge()));
  if (!is_region()) piece(std::max(begin, edge() + page_), end);
}

size_t memory::first_wrong(size_t begin, size_t end) const {
  const auto piece = [this, end](size_t from, size_t to) {
    if (from >= to || memcmp(base_ + from, &bytes_[from], to - from) == 0) return end;
    while (base_[from] == bytes_[from]) ++from;
    return from;
  };
  if (readable(edge())) return piece(begin, end);
  const size_t before = piece(begin, std::min(end, edge()));
  return before != end ? before : piece(std::max(begin, edge() + page_), end);
}

}  // namespace fuzz
