// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Asks the kernel whether a page could be accessed, without accessing it.
#pragma once

#include <errno.h>
#include <src/shared/syscalls.h>

namespace nosigbus::probe {

// Linux 5.14 (madvise(2)). Their values are the same everywhere; Debian 12's headers have them.
inline constexpr int populate_read = 22;
inline constexpr int populate_write = 23;

enum class answer {
  accessible,  // the page is there
  missing,     // an access would raise SIGBUS
  forbidden,   // the mapping does not permit the access, or nothing is mapped
  denied       // missing or forbidden: there is no way to tell
};

// What the kernel says to populating address 0: -ENOMEM, as nothing is mapped there; -EINVAL before 5.14.
// User-mode emulators return 0, as for all advice that they ignore.
inline long populate_nothing() { return sys::madvise(0, 1, populate_read); }

// Whether MADV_POPULATE_* exists and means what it says. Where it does not, a page would be found
// accessible that is not, and its fault resumed for ever. (Where something is mapped at address 0, the
// other way to ask is right as well.)
inline bool populate_works() {
  enum { unknown, yes, no };
  static constinit std::atomic<int> g_known{unknown};  // relaxed, no partner: all threads find out the same
  int state = g_known.load(std::memory_order_relaxed);
  if (state == unknown) {
    state = populate_nothing() == -ENOMEM ? yes : no;
    g_known.store(state, std::memory_order_relaxed);
  }
  return state == yes;
}

// Lets the kernel read a word of the page, or write back what it holds: for kernels before 5.14, and
// emulators.
inline answer by_futex(uintptr_t address, bool write) {
  const long result = write ? sys::futex_touch(address) : sys::futex_peek(address);
  // Read: the word had another value, or had it all the time until now. All else (EFAULT, and whatever a
  // system call filter says) is no access: taking the fault at its word never resumes it for ever.
  const bool reached = write ? !sys::failed(result) : result == -EAGAIN || result == -ETIMEDOUT;
  return reached ? answer::accessible : answer::denied;
}

// [address, address + length): page-aligned. Brings the pages in as an access would: one page of a hole
// is allocated, a private page that is probed for writing is copied.
inline answer pages(uintptr_t address, size_t length, bool write) {
  // Elsewhere it would be page by page: the last page decides, as what is missing behind an end of file is
  // missing up to the end.
  if (!populate_works()) return by_futex(address + length - sizeof(uint32_t), write);
  switch (sys::madvise(address, length, write ? populate_write : populate_read)) {
    case 0:
      return answer::accessible;
    case -EINVAL:  // not permitted
    case -ENOMEM:  // nothing mapped
      return answer::forbidden;
    case -EFAULT:
    case -EHWPOISON:
      return answer::missing;
    default:  // refused by a system call filter that was not there yet when populate_works asked
      return by_futex(address + length - sizeof(uint32_t), write);
  }
}

// Whether a page that cannot be read was lost by the hardware, which the kernel says since Linux 5.14.
inline bool poisoned(uintptr_t address, size_t length) {
  return populate_works() && sys::madvise(address, length, populate_read) == -EHWPOISON;
}

inline bool readable(uintptr_t address, size_t length) {
  return pages(address, length, false) == answer::accessible;
}

}  // namespace nosigbus::probe
