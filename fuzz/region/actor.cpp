// SPDX-License-Identifier: MIT
#include "region/actor.h"

#include <nosigbus/copy.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "support/check.h"
#include "support/features.h"

namespace fuzz {

namespace {

using model::page_size;

size_t whole_pages(size_t size) { return (size + page_size() - 1) / page_size() * page_size(); }

}  // namespace

actor::actor(model::file& of, const region_kind& kind) : file_(of), kind_(kind) {
  const int prot = PROT_READ | (kind.writable ? PROT_WRITE : 0);
  const off_t offset = static_cast<off_t>(kind.first_page * page_size());
  unsigned flags = (kind.discards ? NOSIGBUS_DISCARD_WRITES : 0) | (kind.clips ? NOSIGBUS_CLIP : 0);
  if (kind.adopted) {
    void* const there = mmap(nullptr, kind.size, prot, kind.shared ? MAP_SHARED : MAP_PRIVATE, of.fd, offset);
    FUZZ_CHECK(there != MAP_FAILED);
    adopted_ = static_cast<uint8_t*>(there);
    FUZZ_CHECK_EQUAL(nosigbus_adopt(&region_, there, kind.size, kind.with_descriptor ? of.fd : -1, flags), 0);
  } else {
    flags |= kind.shared ? 0 : NOSIGBUS_PRIVATE;
    FUZZ_CHECK_EQUAL(nosigbus_map(&region_, of.fd, offset, kind.size, prot, flags), 0);
  }
  uint8_t* const data = static_cast<uint8_t*>(nosigbus_region_data(region_));
  places_.emplace_back(of, data, kind.first_page, kind.size, kind.shared);
  FUZZ_TRACE("region %p of file %d: %zu bytes from page %zu%s%s%s%s%s%s\n", static_cast<void*>(this), of.fd,
             kind.size, kind.first_page, kind.adopted ? ", adopted" : "",
             kind.with_descriptor ? "" : " without descriptor", kind.shared ? "" : ", private",
             kind.writable ? ", writable" : "", kind.discards ? ", discards" : "",
             kind.clips ? ", clips" : "");
}

actor::~actor() {
  FUZZ_CHECK_EQUAL(nosigbus_region_release(region_), 0);
  if (adopted_ == nullptr) return;
  // It stays as it is, zeros included.
  const model::place& first = places_.front();
  for (size_t page = 0; page < first.pages(); ++page) {
    const size_t at = page * page_size();
    if (!first.missing(page)) FUZZ_CHECK_EQUAL(first.base()[at], first.read(at));
  }
  munmap(adopted_, whole_pages(kind_.size));
}

void actor::touch(model::place& in, size_t begin, size_t length) {
  for (size_t page = begin / page_size(); page * page_size() < begin + length; ++page) {
    faults_ += in.touch(page) ? 1 : 0;
  }
}

void actor::read(size_t where, size_t begin, size_t length, bool guarded) {
  model::place& in = places_[where];
  const bool all = length == in.size();
  FUZZ_TRACE("region %p: read %zu+%zu of place %zu%s\n", static_cast<void*>(this), begin, length, where,
             guarded ? ", guarded" : "");
  touch(in, begin, length);
  std::vector<uint8_t> wanted(length), found(length);
  for (size_t i = 0; i < length; ++i) wanted[i] = in.read(begin + i);
  // What is behind the end of file in its last page is nobody's, also in a private copy of that.
  if (guarded && kind_.clips) {
    const size_t within = in.bytes_within(), end = std::min(begin + length, whole_pages(within));
    for (size_t i = std::max(begin, within); i < end; ++i) wanted[i - begin] = 0;
  }
  if (guarded) {
    FUZZ_CHECK_EQUAL(nosigbus_safe_read(found.data(), in.base() + begin, length), length);
    size_t zeros = begin;
    while (zeros < begin + length && !in.overlaid(zeros / page_size())) ++zeros;
    const bool met = zeros < begin + length;
    FUZZ_CHECK_EQUAL(nosigbus_last_fault()->cause, met ? NOSIGBUS_EOF : NOSIGBUS_NONE);
    const uintptr_t address = reinterpret_cast<uintptr_t>(in.base() + zeros);
    if (met) FUZZ_CHECK_EQUAL(nosigbus_last_fault()->address, address);
  } else {
    memcpy(found.data(), in.base() + begin, length);
  }
  FUZZ_CHECK(found == wanted);
  reached(1, guarded, all, in.any_overlaid(), places_.size() - where, kind_.adopted, kind_.with_descriptor,
          kind_.shared);
}

// Bytes behind the end of file in its last page are nobody's: nothing is written there.
size_t actor::clamp_to_file(const model::place& in, size_t begin, size_t length) const {
  const size_t within = in.bytes_within(), tail = whole_pages(within);
  if (within == tail || begin >= tail || in.overlaid((tail - 1) / page_size())) return length;
  if (begin >= within) return 0;
  return std::min(length, within - begin);
}

size_t actor::writable_bytes(model::place& in, size_t begin, size_t length) {
  if (!kind_.writable) return 0;
  if (kind_.discards) {
    touch(in, begin, length);
    return length;
  }
  size_t count = 0;
  while (count < length && !in.missing((begin + count) / page_size()) &&
         !in.overlaid((begin + count) / page_size())) {
    ++count;
  }
  return count;
}

bool actor::overlaid(const model::place& in, size_t begin, size_t length) const {
  for (size_t page = begin / page_size(); page * page_size() < begin + length; ++page) {
    if (in.overlaid(page)) return true;
  }
  return false;
}

void actor::write(size_t begin, size_t length, uint8_t value, bool guarded) {
  model::place& in = newest();
  length = clamp_to_file(in, begin, length);
  if (length == 0) return;
  FUZZ_TRACE("region %p: write %d to %zu+%zu%s\n", static_cast<void*>(this), value, begin, length,
             guarded ? ", guarded" : "");
  const std::vector<uint8_t> bytes(length, value);
  const size_t count = writable_bytes(in, begin, length);
  if (guarded) {
    FUZZ_CHECK_EQUAL(nosigbus_safe_write(in.base() + begin, bytes.data(), length), count);
    const bool discarded = count == length && overlaid(in, begin, length);
    // A protection that refuses the write comes before what is missing.
    const bool of_overlay = discarded || (count != length && in.overlaid((begin + count) / page_size()));
    const nosigbus_cause why = kind_.writable || of_overlay ? NOSIGBUS_EOF : NOSIGBUS_PROTECTED;
    FUZZ_CHECK_EQUAL(nosigbus_last_fault()->cause, discarded || count != length ? why : NOSIGBUS_NONE);
  } else {
    memcpy(in.base() + begin, bytes.data(), count);
  }
  for (size_t i = begin; i < begin + count; ++i) {
    if (in.writes_reach_the_file(i)) {
      file_.bytes[kind_.first_page * page_size() + i] = value;
    } else {
      in.write(i, value);
    }
  }
  reached(2, guarded, count == length, in.any_overlaid(), kind_.discards, kind_.shared);
}

void actor::refresh() {
  FUZZ_TRACE("region %p: refresh\n", static_cast<void*>(this));
  bool whole = true;
  for (model::place& each : places_) {
    each.refresh();
    const bool short_of = kind_.adopted && !kind_.with_descriptor
                              ? each.page_in_file(each.pages() - 1) >= file_.pages()
                              : each.bytes_within() != each.size();
    whole = whole && !each.any_overlaid() && !short_of;
  }
  FUZZ_CHECK_EQUAL(nosigbus_region_refresh(region_), whole ? 1 : 0);
  reached(3, whole, newest().any_overlaid(), places_.size(), kind_.adopted, kind_.with_descriptor);
}

void actor::prefault(size_t begin, size_t length) {
  FUZZ_TRACE("region %p: prefault %zu+%zu\n", static_cast<void*>(this), begin, length);
  touch(newest(), begin, length);
  FUZZ_CHECK_EQUAL(nosigbus_region_prefault(region_, begin, length), 0);
  reached(4, newest().any_overlaid());
}

void actor::resize(size_t size) {
  const bool longer = whole_pages(size) > newest().pages() * page_size();
  // A private one that grows would be a model of the kernel's.
  if (longer && !kind_.shared) return;
  FUZZ_CHECK_EQUAL(nosigbus_region_resize(region_, size), 0);
  uint8_t* const data = static_cast<uint8_t*>(nosigbus_region_data(region_));
  FUZZ_TRACE("region %p: resize to %zu\n", static_cast<void*>(this), size);
  const bool moved = data != newest().base();
  FUZZ_CHECK(!moved || longer);
  reached(5, longer, moved, newest().any_overlaid(), places_.size());
  if (!moved) {
    newest().resize(size);
  } else {
    places_.emplace_back(file_, data, kind_.first_page, size, kind_.shared);
  }
  FUZZ_CHECK_EQUAL(nosigbus_region_size(region_), size);
}

void actor::check_status() {
  struct nosigbus_region_status now;
  FUZZ_CHECK_EQUAL(nosigbus_region_status(region_, &now, sizeof now), 0);
  bool overlaid = false;
  uint64_t first_bad = UINT64_MAX;
  for (const model::place& each : places_) {
    overlaid |= each.any_overlaid();
    first_bad = std::min(first_bad, each.first_bad());
  }
  FUZZ_CHECK_EQUAL(now.overlaid, overlaid);
  FUZZ_CHECK_EQUAL(now.generation & 1, overlaid ? 1u : 0u);
  FUZZ_CHECK_EQUAL(now.cause, overlaid ? NOSIGBUS_EOF : NOSIGBUS_NONE);
  FUZZ_CHECK_EQUAL(now.faults, faults_);
  if (kind_.adopted && !kind_.with_descriptor) return;
  FUZZ_CHECK_EQUAL(now.file_size, file_.bytes.size());
  FUZZ_CHECK_EQUAL(now.first_bad_offset, first_bad);
}

void actor::file_cut_off() {
  for (model::place& each : places_) each.cut_off();
}

void actor::check() {
  for (size_t i = 0; i < places_.size(); ++i) read(i, 0, places_[i].size(), false);
  check_status();
}

}  // namespace fuzz
