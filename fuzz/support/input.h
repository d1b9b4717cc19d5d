// SPDX-License-Identifier: MIT
//
// A fuzzer's bytes, read as decisions. Where they are over, each decision is the first one, so that a program
// of them ends.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fuzz {

class input {
 public:
  input(const uint8_t* data, size_t size) : at_(data), left_(size) {}

  bool empty() const { return left_ == 0; }
  size_t left() const { return left_; }
  const uint8_t* rest() const { return at_; }

  uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *at_++;
  }
  uint64_t number(unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value |= uint64_t{byte()} << (8 * i);
    return value;
  }
  bool flag() { return (byte() & 1) != 0; }
  // limit: not 0. As few bytes as it takes.
  size_t below(size_t limit) {
    return limit <= 256 ? byte() % limit : number(limit <= 65536 ? 2 : 4) % limit;
  }
  // Small numbers as often as large ones; 0 to `most`.
  size_t size(size_t most) {
    size_t bits = 0;
    while (bits < 63 && (most >> bits) != 0) ++bits;
    const size_t length = below(bits + 1);
    const size_t value = length == 0 ? 0 : (size_t{1} << (length - 1)) | below(size_t{1} << (length - 1));
    return value < most ? value : most;
  }
  template <class Value, size_t Count>
  const Value& pick(const Value (&all)[Count]) {
    return all[below(Count)];
  }

 private:
  const uint8_t* at_;
  size_t left_;
};

}  // namespace fuzz
