// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Asks the kernel whether a page could be accessed, without accessing it.
#pragma once

#include <errno.h>
#include <src/shared/syscalls.h>
#include <sys/uio.h>

namespace nosigbus::probe {

// Linux 5.14 (madvise(2)). Their values are the same everywhere; Debian 12's headers have them.
inline constexpr int populate_read = 22;
inline constexpr int populate_write = 23;

enum class answer {
  accessible,  // the page is there
  missing,     // an access would raise SIGBUS
  forbidden    // the mapping does not permit the access, or nothing is mapped
};

// Reads one byte through the kernel: for kernels before 5.14.
inline answer by_copy(uintptr_t address) {
  char byte;
  const iovec to{&byte, 1}, from{reinterpret_cast<void*>(address), 1};
  const long result = arch::raw_syscall(SYS_process_vm_readv, sys::raw_syscall(SYS_getpid),
                                        reinterpret_cast<long>(&to), 1, reinterpret_cast<long>(&from), 1, 0);
  return result == 1 ? answer::accessible : answer::missing;
}

// Whether the kernel can be asked about writing (since 5.14).
inline bool knows_of_writes() { return sys::madvise(0, 0, populate_write) == 0; }

// [address, address + length): page-aligned. Brings the pages in as an access would: one page of a hole
// is allocated, a private page that is probed for writing is copied.
inline answer pages(uintptr_t address, size_t length, bool write) {
  switch (sys::madvise(address, length, write ? populate_write : populate_read)) {
    case 0:
      return answer::accessible;
    case -EINVAL: {
      // Not permitted, or an old kernel. There, only reading can be asked for, page by page: the last
      // page decides, as what is missing behind an end of file is missing up to the end. A write that
      // faulted is taken at its word: a page can be readable and yet not writable, on a full disk.
      if (knows_of_writes()) return answer::forbidden;
      return write ? answer::missing : by_copy(address + length - 1);
    }
    case -ENOMEM:
      return answer::forbidden;
    default:
      return answer::missing;
  }
}

}  // namespace nosigbus::probe
