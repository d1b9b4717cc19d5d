// SPDX-License-Identifier: MIT
//
// Guarded copies, fills and scans, with every set of routines that the processor has, around pages that are
// bad: against byte loops (copy/model.h). Mappings are made once; an input chooses where an operation begins
// and ends.
#include <nosigbus/copy.h>
#include <src/shared/routines.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "copy/arena.h"
#include "copy/model.h"
#include "support/check.h"
#include "support/features.h"
#include "support/input.h"

namespace {

using namespace fuzz;
using model::place;
using model::result;
using model::shape;

enum class operation { read, write, copy, fill, read_2d, write_2d, strnlen, strncpy, memchr, memcmp };
constexpr operation operations[] = {
    operation::read,     operation::write,   operation::copy,    operation::fill,   operation::read_2d,
    operation::write_2d, operation::strnlen, operation::strncpy, operation::memchr, operation::memcmp};

// A part of a memory that an operation may touch, and some beside it.
struct window {
  size_t begin, end;
};
window around(const memory& in, size_t first, size_t end) {
  constexpr size_t margin = 160;
  return {first > margin ? first - margin : 0, std::min(in.size(), end + margin)};
}

class trial {
 public:
  explicit trial(input& from) : from_(from) {}

  void run() {
    choose();
    prepare();
    const result wanted = expected();
    const size_t found = performed();
    check(wanted, found);
  }

 private:
  // Where it begins is chosen by its distance from the bad page's edges.
  size_t position(const memory& in) {
    const size_t edge = in.edge() + (from_.flag() ? in.size() / memory::pages : 0),
                 distance = from_.size(3 * in.edge() / 4);
    return from_.below(8) == 0 ? edge + distance : edge - distance;
  }
  bool source_is_bad() const {
    return what_ != operation::write && what_ != operation::fill && what_ != operation::write_2d;
  }
  bool target_is_bad() const {
    return what_ == operation::write || what_ == operation::fill || what_ == operation::write_2d ||
           what_ == operation::copy || what_ == operation::memcmp;
  }

  // Regions seldom: they take system calls.
  badness kind() {
    const size_t chosen = from_.below(64);
    return chosen >= 62 ? regions[chosen - 62] : without_region[chosen % std::size(without_region)];
  }

  void choose() {
    arena& all = the_arena();
    what_ = from_.pick(operations);
    set_ = from_.below(all.sets());
    watched_ = from_.below(4) == 0;
    src_.in = &all.side(source_is_bad() ? kind() : badness::none, 0);
    dst_.in = &all.side(target_is_bad() ? kind() : badness::none, 1);
    src_.in->enter();
    dst_.in->enter();
    src_.at = position(*src_.in);
    dst_.at = position(*dst_.in);
    byte_ = from_.byte();
    what_ == operation::read_2d || what_ == operation::write_2d ? choose_rows() : choose_line();
  }
  void choose_line() {
    const size_t most = std::min(src_.in->size() - src_.at, dst_.in->size() - dst_.at);
    shape_ = model::line(from_.size(most));
    size_ = shape_.size();
    src_part_ = around(*src_.in, src_.at, src_.at + size_);
    dst_part_ = around(*dst_.in, dst_.at, dst_.at + size_);
  }
  // Strides that keep all rows within the memory, either way.
  ptrdiff_t stride(const memory& in, size_t at, size_t row, size_t rows) {
    const bool down = from_.flag();
    const size_t room = down ? at : in.size() - at - row;
    const size_t most = rows > 1 ? room / (rows - 1) : 0;
    const size_t step = from_.flag() ? std::min(row, most) : from_.size(most);
    return down ? -static_cast<ptrdiff_t>(step) : static_cast<ptrdiff_t>(step);
  }
  void choose_rows() {
    const size_t most = std::min(src_.in->size() - src_.at, dst_.in->size() - dst_.at);
    shape_.row = std::max<size_t>(1, from_.size(std::min<size_t>(most, 1024)));
    shape_.rows = 1 + from_.size(15);
    shape_.src_stride = stride(*src_.in, src_.at, shape_.row, shape_.rows);
    shape_.dst_stride = stride(*dst_.in, dst_.at, shape_.row, shape_.rows);
    size_ = shape_.size();
    src_part_ = extent(src_, shape_.src_stride);
    dst_part_ = extent(dst_, shape_.dst_stride);
  }
  window extent(const place& first, ptrdiff_t stride) const {
    const size_t last = first.at + shape::offset(size_ - shape_.row, shape_.row, stride);
    return around(*first.in, std::min(first.at, last), std::max(first.at, last) + shape_.row);
  }

  void prepare() {
    arena& all = the_arena();
    src_.in->fill(src_part_.begin, src_part_.end, all.noise(from_.below(arena::noises)));
    dst_.in->fill(dst_part_.begin, dst_part_.end, all.noise(from_.below(arena::noises)));
    if (what_ == operation::strnlen || what_ == operation::strncpy) byte_ = 0;
    const bool searches =
        what_ == operation::strnlen || what_ == operation::strncpy || what_ == operation::memchr;
    if (searches) plant();
    if (what_ == operation::memcmp) make_alike();
    // Without any region so far, as in most programs; or as where there was one.
    const bool has_regions = src_.in->kind() >= badness::region || dst_.in->kind() >= badness::region;
    all.put_in_force(set_, has_regions || watched_);
  }
  // The byte that is looked for stands at a few places, or nowhere.
  void plant() {
    for (size_t i = src_part_.begin; i < src_part_.end; ++i) {
      if (src_.in->raw(i) == byte_) src_.in->set(i, static_cast<uint8_t>(byte_ + 1));
    }
    for (size_t count = from_.below(3); count > 0; --count) {
      src_.in->set(src_part_.begin + from_.size(src_part_.end - src_part_.begin - 1), byte_);
    }
    if (size_ > 0 && from_.flag()) src_.in->set(src_.at + size_ - 1 - from_.size(size_ - 1), byte_);
  }
  void make_alike() {
    for (size_t i = 0; i < size_; ++i) {
      dst_.in->set(dst_.at + i, (*src_.in)[src_.at + i]);
      // What only one of the two can be given.
      if ((*dst_.in)[dst_.at + i] != (*src_.in)[src_.at + i])
        src_.in->set(src_.at + i, (*dst_.in)[dst_.at + i]);
    }
    for (size_t count = size_ == 0 ? 0 : from_.below(3); count > 0; --count) {
      const size_t at = dst_.at + from_.size(size_ - 1);
      dst_.in->set(at, static_cast<uint8_t>(dst_.in->raw(at) ^ (1u << from_.below(8))));
    }
  }

  result expected() {
    switch (what_) {
      case operation::read:
      case operation::read_2d:
        return model::read(dst_, src_, shape_);
      case operation::write:
      case operation::write_2d:
        return model::write(dst_, src_, shape_);
      case operation::copy:
        return model::copy(dst_, src_, size_);
      case operation::fill:
        return model::fill(dst_, byte_, size_);
      case operation::strncpy:
        return model::copy_string(dst_, src_, size_);
      case operation::memcmp:
        return model::compare(src_, dst_, size_);
      default:
        return model::search(src_, byte_, size_);
    }
  }
  // The entry of the set itself, where it has one: the public one is of the set that was chosen at the start.
  size_t performed() {
    void* const dst = dst_.address();
    const void* const src = src_.address();
    const nosigbus::routines& set = the_arena().set(set_);
    switch (what_) {
      case operation::read:
        return (set.public_read != nullptr ? set.public_read : nosigbus_safe_read)(dst, src, size_);
      case operation::write:
        return nosigbus_safe_write(dst, src, size_);
      case operation::copy:
        return nosigbus_safe_copy(dst, src, size_);
      case operation::fill:
        return nosigbus_safe_fill(dst, byte_, size_);
      case operation::read_2d:
        return nosigbus_safe_read_2d(dst, shape_.dst_stride, src, shape_.src_stride, shape_.row, shape_.rows);
      case operation::write_2d:
        return nosigbus_safe_write_2d(dst, shape_.dst_stride, src, shape_.src_stride, shape_.row,
                                      shape_.rows);
      case operation::strncpy:
        return nosigbus_safe_strncpy(static_cast<char*>(dst), static_cast<const char*>(src), size_);
      default:
        return scanned(set, dst, src);
    }
  }
  size_t scanned(const nosigbus::routines& set, const void* dst, const void* src) {
    constexpr nosigbus::scans of_all{nosigbus_safe_strnlen, nosigbus_safe_memchr, nosigbus_safe_memcmp};
    const nosigbus::scans scans = set.public_scans.strnlen != nullptr ? set.public_scans : of_all;
    if (what_ == operation::strnlen) return scans.strnlen(static_cast<const char*>(src), size_);
    return what_ == operation::memchr ? scans.memchr(src, byte_, size_) : scans.memcmp(src, dst, size_);
  }

  void check(const result& wanted, size_t found) {
    const nosigbus_fault record = *nosigbus_last_fault();
    const bool other = wanted.or_address != 0 && record.address == wanted.or_address;
    const bool none = record.cause == NOSIGBUS_NONE;
    expect("result", found, wanted.count);
    expect("cause", record.cause, other ? wanted.or_cause : wanted.cause);
    expect("address", none ? 0 : record.address, other ? wanted.or_address : wanted.address);
    // Ports that learn nothing from a context do not tell.
    if (!none && record.access != NOSIGBUS_ACCESS_UNKNOWN) expect("access", record.access, wanted.access);
    expect("first wrong byte of the source", src_.in->first_wrong(src_part_.begin, src_part_.end),
           src_part_.end);
    expect("first wrong byte of the destination", dst_.in->first_wrong(dst_part_.begin, dst_part_.end),
           dst_part_.end);
    src_.in->leave();
    dst_.in->leave();
    reached(what_, set_, src_.in->kind(), dst_.in->kind(), found == size_);
    reached(what_, set_, magnitude(found), found == size_);
  }

  void expect(const char* what, size_t found, size_t wanted) const {
    if (found == wanted) return;
    const auto side = [](const char* name, const place& at, ptrdiff_t stride) {
      std::fprintf(stderr, "  %s: kind %d, %+zd to the edge, stride %zd\n", name,
                   static_cast<int>(at.in->kind()), static_cast<ptrdiff_t>(at.at - at.in->edge()), stride);
    };
    std::fprintf(stderr, "operation %d, routines %s%s, %zu rows of %zu bytes, byte %d\n",
                 static_cast<int>(what_), nosigbus_routines.name, watched_ ? ", watched" : "", shape_.rows,
                 shape_.row, byte_);
    side("source", src_, shape_.src_stride);
    side("destination", dst_, shape_.dst_stride);
    std::fprintf(stderr, "%s: %zd, not %zd\n", what, static_cast<ptrdiff_t>(found),
                 static_cast<ptrdiff_t>(wanted));
    std::abort();
  }

  input& from_;
  operation what_{};
  size_t set_ = 0, size_ = 0;
  bool watched_ = false;
  uint8_t byte_ = 0;
  place src_{}, dst_{};
  shape shape_{};
  window src_part_{}, dst_part_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  input from(data, size);
  trial(from).run();
  return 0;
}
