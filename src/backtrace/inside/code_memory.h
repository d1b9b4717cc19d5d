// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Reads what modules hold, as the kernel reads it: their files can be cut off like others, and a load of ours
// may not fault, as all signals are blocked where the drop-in collects. A few pages are kept, since frames of
// the same module begin their search at the same places.
#pragma once

#include <src/backtrace/inside/stack_memory.h>
#include <stdint.h>

namespace nosigbus::backtrace {

class code_memory {
 public:
  // Nothing is known. Reads by `how`, as long as that is there.
  void begin(const stack_memory& how) {
    how_ = &how;
    for (uintptr_t& page : pages_) page = none;
  }

  // Whether the bytes are there; then they are in out.
  bool read(const void* from, void* out, size_t length) {
    auto* to = static_cast<unsigned char*>(out);
    for (uintptr_t address = reinterpret_cast<uintptr_t>(from); length != 0;) {
      const size_t offset = address & (size - 1);
      const size_t part = length < size - offset ? length : size - offset;
      const unsigned char* const page = find(address - offset);
      if (page == nullptr) return false;
      __builtin_memcpy(to, page + offset, part);
      address += part;
      to += part;
      length -= part;
    }
    return true;
  }
  template <class T>
  bool read(const void* from, T* out) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(from), offset = address & (size - 1);
    const size_t place = place_of(address);
    if (pages_[place] != address - offset || offset > size - sizeof *out) {
      return read(from, static_cast<void*>(out), sizeof *out);
    }
    __builtin_memcpy(out, bytes_[place] + offset, sizeof *out);
    return true;
  }

 private:
  // No page is smaller.
  static constexpr size_t size = 4096, count = 16;
  static constexpr uintptr_t none = 1;  // no page begins there

  static size_t place_of(uintptr_t address) { return address / size % count; }

  // Null where nothing can be read.
  const unsigned char* find(uintptr_t page) {
    const size_t place = place_of(page);
    if (pages_[place] != page) {
      pages_[place] = none;
      if (how_->copy(bytes_[place], page, size) != 0) return nullptr;
      pages_[place] = page;
    }
    return bytes_[place];
  }

  const stack_memory* how_;
  uintptr_t pages_[count];
  unsigned char bytes_[count][size];
};

}  // namespace nosigbus::backtrace
