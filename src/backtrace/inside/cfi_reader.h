// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Values of a stretch of unwind information (.eh_frame: LSB, "DWARF Extensions"). Reading past its end, or
// what is not there, gives zeros, and `good` says so. What `at` returns is a place to read at, and not to be
// followed.
#pragma once

#include <src/backtrace/inside/code_memory.h>
#include <stdint.h>
#include <string.h>

namespace nosigbus::backtrace {

class cfi_reader {
 public:
  cfi_reader() = default;
  cfi_reader(code_memory& memory, const unsigned char* begin, const unsigned char* end)
      : memory_(&memory), at_(begin), end_(end) {}

  bool good() const { return good_; }
  bool more() const { return good_ && at_ < end_; }
  const unsigned char* at() const { return at_; }

  template <class T>
  T fixed() {
    T value{};
    const unsigned char* const from = advance(sizeof value);
    if (from != nullptr && !memory_->read(from, &value)) {
      value = {};
      fail();
    }
    return value;
  }
  uint64_t uleb() {
    uint64_t value = 0;
    leb(&value);
    return value;
  }
  int64_t sleb() {
    uint64_t value = 0;
    unsigned bits;
    const unsigned last = leb(&value, &bits);
    if (bits < 64 && (last & 0x40) != 0) value |= ~uint64_t{0} << bits;
    return static_cast<int64_t>(value);
  }
  // A block with its length in front.
  cfi_reader block() {
    const uint64_t length = uleb();
    const unsigned char* const from = advance(length);
    return from == nullptr ? cfi_reader() : cfi_reader(*memory_, from, from + length);
  }
  void skip(uint64_t bytes) { advance(bytes); }
  // Back or forth within the stretch, of which `begin` is the beginning.
  void jump(int64_t bytes, const unsigned char* begin) {
    if (bytes < begin - at_ || bytes > end_ - at_) {
      fail();
    } else {
      at_ += bytes;
    }
  }
  void skip_text() {
    while (fixed<unsigned char>() != 0) {
    }
  }
  // DW_EH_PE_*: absolute or relative to where it stands.
  uintptr_t pointer(unsigned encoding) {
    const uintptr_t here = reinterpret_cast<uintptr_t>(at_);
    const uintptr_t value = pointer_value(encoding & 0x0f);
    switch (encoding & 0xf0) {
      case 0x00:
        return value;
      case 0x10:
        return here + value;
      default:
        fail();
        return 0;
    }
  }
  uintptr_t pointer_value(unsigned format) {
    switch (format) {
      case 0x00:
      case 0x04:
      case 0x0c:
        return fixed<uint64_t>();
      case 0x01:
        return uleb();
      case 0x02:
        return fixed<uint16_t>();
      case 0x03:
        return fixed<uint32_t>();
      case 0x09:
        return static_cast<uintptr_t>(sleb());
      case 0x0a:
        return static_cast<uintptr_t>(int64_t{fixed<int16_t>()});
      case 0x0b:
        return static_cast<uintptr_t>(int64_t{fixed<int32_t>()});
      default:
        fail();
        return 0;
    }
  }

 private:
  void fail() {
    good_ = false;
    at_ = end_;
  }
  // Where the next bytes begin, null when there are fewer.
  const unsigned char* advance(uint64_t bytes) {
    const unsigned char* const from = at_;
    if (bytes > static_cast<uint64_t>(end_ - at_)) {
      fail();
      return nullptr;
    }
    at_ += bytes;
    return from;
  }
  // Returns the last byte; bits: how many there were.
  unsigned leb(uint64_t* value, unsigned* bits = nullptr) {
    unsigned shift = 0, byte;
    do {
      byte = fixed<unsigned char>();
      if (shift < 64) *value |= uint64_t{byte & 0x7f} << shift;
      shift += 7;
    } while ((byte & 0x80) != 0);
    if (bits != nullptr) *bits = shift;
    return byte;
  }

  code_memory* memory_ = nullptr;
  const unsigned char* at_ = nullptr;
  const unsigned char* end_ = nullptr;
  bool good_ = true;
};

}  // namespace nosigbus::backtrace
