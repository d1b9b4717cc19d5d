// SPDX-License-Identifier: MIT
#include "region/model.h"

#include <unistd.h>

#include <algorithm>

namespace fuzz::model {

namespace {

size_t pages_of(size_t bytes) { return (bytes + page_size() - 1) / page_size(); }

}  // namespace

size_t page_size() {
  static const size_t g_size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return g_size;
}

place::place(const file& of, uint8_t* base, size_t first_page, size_t size, bool shared)
    : file_(&of),
      base_(base),
      first_page_(first_page),
      size_(size),
      shared_(shared),
      pages_(pages_of(size)) {}

bool place::any_overlaid() const { return overlays() != 0; }

unsigned place::overlays() const {
  unsigned count = 0;
  for (size_t i = 0; i < pages_.size(); ++i) count += overlaid(i) && (i == 0 || !overlaid(i - 1)) ? 1 : 0;
  return count;
}

size_t place::bytes_within() const {
  const size_t before = first_page_ * page_size();
  return file_->bytes.size() <= before ? 0 : std::min(file_->bytes.size() - before, size_);
}

bool place::touch(size_t page) {
  if (!missing(page)) return false;
  constexpr unsigned most_overlays = 3;  // of one region
  if (!any_overlaid()) {
    isolated_ = 0;
    first_bad_ = UINT64_MAX;
  }
  // From the end of the file to that of the region. A new overlay that there is no room for reaches back to
  // the last.
  size_t begin = pages_of(bytes_within());
  const auto touches = [this](size_t first) {
    for (size_t i = first == 0 ? 0 : first - 1; i < pages_.size(); ++i) {
      if (overlaid(i)) return true;
    }
    return false;
  };
  if (!touches(begin)) {
    if (overlays() == most_overlays || (any_overlaid() && isolated_ >= most_overlays)) {
      while (!overlaid(begin - 1)) --begin;
    } else {
      ++isolated_;
    }
  }
  for (size_t i = begin; i < pages_.size(); ++i) {
    if (overlaid(i)) continue;
    pages_[i].overlaid = true;
    pages_[i].own.clear();
  }
  first_bad_ = std::min<uint64_t>(first_bad_, bytes_within());
  return true;
}

uint8_t place::read(size_t offset) const {
  const page_state& in = pages_[offset / page_size()];
  if (!in.own.empty()) return in.own[offset % page_size()];
  return in.overlaid ? 0 : file_->at(first_page_ * page_size() + offset);
}

void place::write(size_t offset, uint8_t value) {
  page_state& in = pages_[offset / page_size()];
  if (shared_ && !in.overlaid) return;
  if (in.own.empty()) {
    std::vector<uint8_t> copy(page_size());
    for (size_t i = 0; i < copy.size(); ++i) copy[i] = read(offset / page_size() * page_size() + i);
    in.own = copy;
  }
  in.own[offset % page_size()] = value;
}

void place::cut_off() {
  for (size_t i = 0; i < pages_.size(); ++i) {
    if (missing(i)) pages_[i].own.clear();
  }
}

void place::refresh() {
  const bool before = any_overlaid();
  size_t first = pages_.size();
  for (size_t i = 0; i < pages_.size(); ++i) {
    if (overlaid(i) && page_in_file(i) < file_->pages()) {
      pages_[i].overlaid = false;
      pages_[i].own.clear();
    }
    if (overlaid(i) && first == pages_.size()) first = i;
  }
  if (!any_overlaid()) {
    if (before) first_bad_ = UINT64_MAX;
  } else if (first_bad_ < first * page_size()) {
    first_bad_ = bytes_within();
  }
}

void place::resize(size_t size) {
  const bool before = any_overlaid();
  size_ = size;
  pages_.resize(pages_of(size));
  if (before && !any_overlaid()) first_bad_ = UINT64_MAX;
}

}  // namespace fuzz::model
