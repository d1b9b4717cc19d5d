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
  unsigned grade = 0;  // of two that become one, the higher counts
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

  bool contains(size_t position) const { return find(position) != nullptr; }
  const interval* find(size_t position) const {
    for (unsigned i = 0; i < size_; ++i) {
      if (position >= items_[i].begin && position < items_[i].end) return &items_[i];
    }
    return nullptr;
  }

  // The interval that adding this one results in.
  interval united(interval added) const {
    interval merged = added;
    for (unsigned i = 0; i < size_; ++i) {
      const interval& item = items_[i];
      if (item.end < added.begin || item.begin > added.end) continue;
      if (item.begin < merged.begin) merged.begin = item.begin;
      if (item.end > merged.end) merged.end = item.end;
      if (item.grade > merged.grade) merged.grade = item.grade;
    }
    return merged;
  }
  bool touches(interval other) const {
    for (unsigned i = 0; i < size_; ++i) {
      if (items_[i].end >= other.begin && items_[i].begin <= other.end) return true;
    }
    return false;
  }

  // The first part of `wanted` that is in no interval; empty when all of it is.
  interval first_gap(interval wanted) const {
    for (unsigned i = 0; i < size_ && wanted.begin < wanted.end; ++i) {
      if (items_[i].end <= wanted.begin) continue;
      if (items_[i].begin > wanted.begin) {
        if (items_[i].begin < wanted.end) wanted.end = items_[i].begin;
        return wanted;
      }
      wanted.begin = items_[i].end;
    }
    if (wanted.begin > wanted.end) wanted.begin = wanted.end;
    return wanted;
  }

  // What has to be added instead of `wanted` so that no more than Capacity intervals result; without room
  // for one of its own, so that it touches another.
  interval widened(interval wanted, bool room = true) const {
    unsigned untouched = 0;
    size_t nearest = ~size_t{0};
    interval best = wanted;
    for (unsigned i = 0; i < size_; ++i) {
      const interval& item = items_[i];
      if (item.end < wanted.begin) {
        ++untouched;
        if (wanted.begin - item.end < nearest) {
          nearest = wanted.begin - item.end;
          best = {item.end, wanted.end, wanted.grade};
        }
      } else if (item.begin > wanted.end) {
        ++untouched;
        if (item.begin - wanted.end < nearest) {
          nearest = item.begin - wanted.end;
          best = {wanted.begin, item.begin, wanted.grade};
        }
      }
    }
    return touches(wanted) || (room && untouched < Capacity) ? wanted : best;
  }

  // Adds an interval; it and all it touches become one. The caller has widened it.
  void add(interval added) {
    const interval merged = united(added);
    interval kept[Capacity + 1];
    unsigned count = 0;
    for (unsigned i = 0; i < size_; ++i) {
      if (items_[i].end < merged.begin) kept[count++] = items_[i];
    }
    kept[count++] = merged;
    for (unsigned i = 0; i < size_; ++i) {
      if (items_[i].begin > merged.end) kept[count++] = items_[i];
    }
    size_ = count;
    for (unsigned i = 0; i < count; ++i) items_[i] = kept[i];
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

  // Takes everything from `end` on out of the set.
  void cut_off(size_t end) {
    while (size_ > 0 && items_[size_ - 1].begin >= end) --size_;
    if (size_ > 0 && items_[size_ - 1].end > end) items_[size_ - 1].end = end;
  }

 private:
  interval items_[Capacity] = {};
  unsigned size_ = 0;
};

}  // namespace nosigbus
