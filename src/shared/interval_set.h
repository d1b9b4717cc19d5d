// SPDX-License-Identifier: MIT
//
// A few disjoint, sorted, half-open intervals: which parts of a region are overlaid. Their number is
// bounded, and with it the number of VMAs that an attacker can make of one region: a new interval that
// would be one too many grows until it touches its nearest neighbour.
#pragma once

#include <stddef.h>

namespace nosigbus {

struct interval {
  size_t begin, end;
};

template <unsigned Capacity>
class interval_set {
 public:
  unsigned size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const interval& operator[](unsigned i) const { return items_[i]; }
  void clear() { size_ = 0; }

  // From the first begin to the last end; not of an empty set.
  interval hull() const { return {items_[0].begin, items_[size_ - 1].end}; }

  bool contains(size_t position) const {
    for (unsigned i = 0; i < size_; ++i) {
      if (position >= items_[i].begin && position < items_[i].end) return true;
    }
    return false;
  }

  // What has to be added instead of `wanted` so that no more than Capacity intervals result.
  interval widened(interval wanted) const {
    unsigned untouched = 0;
    size_t nearest = ~size_t{0};
    interval best = wanted;
    for (unsigned i = 0; i < size_; ++i) {
      const interval& item = items_[i];
      if (item.end < wanted.begin) {
        ++untouched;
        if (wanted.begin - item.end < nearest) {
          nearest = wanted.begin - item.end;
          best = {item.end, wanted.end};
        }
      } else if (item.begin > wanted.end) {
        ++untouched;
        if (item.begin - wanted.end < nearest) {
          nearest = item.begin - wanted.end;
          best = {wanted.begin, item.begin};
        }
      }
    }
    return untouched < Capacity ? wanted : best;
  }

  // Adds an interval; it and all it touches become one. The caller has widened it.
  void add(interval added) {
    unsigned kept = 0;
    interval merged = added;
    interval before_and_after[Capacity + 1];
    unsigned before = 0;
    for (unsigned i = 0; i < size_; ++i) {
      const interval& item = items_[i];
      if (item.end < added.begin || item.begin > added.end) {
        before += item.end < added.begin ? 1 : 0;
        before_and_after[kept++] = item;
      } else {
        if (item.begin < merged.begin) merged.begin = item.begin;
        if (item.end > merged.end) merged.end = item.end;
      }
    }
    size_ = 0;
    for (unsigned i = 0; i < before; ++i) items_[size_++] = before_and_after[i];
    items_[size_++] = merged;
    for (unsigned i = before; i < kept; ++i) items_[size_++] = before_and_after[i];
  }

  // Takes [0, end) out of the interval i; the whole interval where end reaches that far.
  // Returns whether the interval is still there.
  bool trim_front(unsigned i, size_t end) {
    if (end < items_[i].end) {
      if (end > items_[i].begin) items_[i].begin = end;
      return true;
    }
    for (unsigned j = i + 1; j < size_; ++j) items_[j - 1] = items_[j];
    --size_;
    return false;
  }

 private:
  interval items_[Capacity] = {};
  unsigned size_ = 0;
};

}  // namespace nosigbus
