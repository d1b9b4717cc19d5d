// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Reads what may not be there: the kernel copies it and fails where a load would fault. A page at a time, as
// frames lie close together.
#pragma once

#include <src/shared/syscalls.h>
#include <sys/uio.h>

namespace nosigbus::backtrace {

class stack_memory {
 public:
  // Nothing is known. Asks for the process at each use, which may be a child.
  void begin() {
    process_ = arch::raw_syscall(SYS_getpid);
    size_ = 0;
  }

  // Whether the word is there; then *out is it.
  bool read(uintptr_t address, uintptr_t* out) {
    if (!holds(address) && !fetch(address)) return false;
    __builtin_memcpy(out, bytes_ + (address - base_), sizeof *out);
    return true;
  }

  // 0 or -errno.
  long copy(void* to, uintptr_t from, size_t length) const {
    const iovec local{to, length}, remote{reinterpret_cast<void*>(from), length};
    const long result = arch::raw_syscall(SYS_process_vm_readv, process_, reinterpret_cast<long>(&local), 1,
                                          reinterpret_cast<long>(&remote), 1);
    return result < 0 ? result : 0;
  }

 private:
  // What the kernel surely has or has not as a whole: no page is smaller.
  static constexpr size_t page = 4096;
  static constexpr uintptr_t last = ~uintptr_t{0} - 3 * page;

  bool holds(uintptr_t address) const {
    return address >= base_ && address - base_ <= size_ && size_ - (address - base_) >= sizeof(uintptr_t);
  }

  // The page of the first byte, and the next one if that is there.
  bool fetch(uintptr_t address) {
    size_ = 0;
    if (address > last) return false;
    base_ = address & ~(page - 1);
    const iovec local{bytes_, sizeof bytes_};
    const iovec remote[2] = {{reinterpret_cast<void*>(base_), page},
                             {reinterpret_cast<void*>(base_ + page), page}};
    const long result = arch::raw_syscall(SYS_process_vm_readv, process_, reinterpret_cast<long>(&local), 1,
                                          reinterpret_cast<long>(remote), 2);
    if (result > 0) size_ = static_cast<size_t>(result);
    return holds(address);
  }

  long process_;
  uintptr_t base_;
  size_t size_;
  unsigned char bytes_[2 * page];
};

}  // namespace nosigbus::backtrace
