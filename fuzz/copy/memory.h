// SPDX-License-Identifier: MIT
//
// Memory with bad pages in the middle, and what its bytes are to be.
#pragma once

#include <nosigbus/fault.h>
#include <nosigbus/region.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace fuzz {

// What the page in the middle is; of a region also all behind it.
enum class badness { none, truncated, forbidden, read_only, region, clipped_region };
inline constexpr badness without_region[] = {badness::none, badness::truncated, badness::forbidden,
                                             badness::read_only};
inline constexpr badness regions[] = {badness::region, badness::clipped_region};

class memory {
 public:
  static constexpr size_t pages_before = 3, pages = 7;

  explicit memory(badness kind);
  ~memory();
  memory(const memory&) = delete;
  memory& operator=(const memory&) = delete;

  // Regions are mapped for one input: while there is one, guarded operations take other ways.
  void enter();
  void leave();

  badness kind() const { return kind_; }
  uint8_t* data() const { return base_; }
  size_t size() const { return pages * page_; }
  // Offset of the first bad byte.
  size_t edge() const { return pages_before * page_; }

  bool readable(size_t at) const {
    return (kind_ != badness::truncated && kind_ != badness::forbidden) || !in_the_middle(at);
  }
  // By a guarded operation. Zeros of a region are not to be written to.
  bool writable(size_t at) const {
    if (is_region()) return at < edge();
    return kind_ == badness::none || !in_the_middle(at);
  }
  // A region's zeros, which an operation reads and reports.
  bool supplied(size_t at) const { return is_region() && at >= edge(); }
  // Why a byte that is not readable, not writable, or supplied is so.
  nosigbus_cause cause() const;

  // What a guarded operation reads there.
  uint8_t operator[](size_t at) const { return clipped(at) ? 0 : bytes_[at]; }
  // What is there for anybody.
  uint8_t raw(size_t at) const { return bytes_[at]; }
  // What a guarded write leaves there.
  void put(size_t at, uint8_t value) { bytes_[at] = value; }
  // The same, done to the memory: where it can be written to.
  void set(size_t at, uint8_t value);
  // [begin, end) becomes known again, whatever inputs before did to it.
  void fill(size_t begin, size_t end, const uint8_t* with);
  // The first byte of [begin, end) that can be read and is not what it is to be; `end` if there is none.
  size_t first_wrong(size_t begin, size_t end) const;

 private:
  bool is_region() const { return kind_ == badness::region || kind_ == badness::clipped_region; }
  bool in_the_middle(size_t at) const { return at >= edge() && at < edge() + page_; }
  bool clipped(size_t at) const {
    return kind_ == badness::clipped_region && at >= file_size() && at < edge();
  }
  size_t file_size() const { return edge() - (kind_ == badness::clipped_region ? page_ / 3 : 0); }
  bool can_be_set(size_t at) const {
    return kind_ == badness::none || (is_region() ? at < edge() : !in_the_middle(at));
  }

  const badness kind_;
  const size_t page_;
  uint8_t* base_ = nullptr;
  int file_ = -1;
  nosigbus_region* region_ = nullptr;
  std::vector<uint8_t> bytes_;
};

}  // namespace fuzz
