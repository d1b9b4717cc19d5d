// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Mappings that take the place of others, in one step for whoever reads there; and a failure leaves what was
// there. MAP_FIXED and MREMAP_FIXED do not promise that: they take away what was there, and then the file's
// driver refuses the mapping (any kernel), or a limit does (before Linux 6.17). In the hole readers would
// die, and later a stranger's memory could lie. Where that can happen, the new mapping is made elsewhere and
// moved: a move has no reason to fail left.
#pragma once

#include <src/shared/syscalls.h>

namespace nosigbus::replace {

// Each replaces [address, address + length), page-aligned, and returns address or -errno.
long with_zeros(uintptr_t address, size_t length, int prot);
// Zeros that the kernel's lists show as a private mapping of /dev/zero, at their own address as the offset:
// nobody else's memory looks like that, and neighbours become one mapping. -errno also where there is no
// /dev/zero, or no descriptor to spare.
long with_traceable_zeros(uintptr_t address, size_t length, int prot);
// flags: MAP_SHARED or MAP_PRIVATE.
long with_file(uintptr_t address, size_t length, int prot, int flags, int fd, off_t offset);
// By another mapping of what is at source (mremap(2), "old_size 0").
long with_duplicate(uintptr_t address, size_t length, uintptr_t source);

}  // namespace nosigbus::replace
