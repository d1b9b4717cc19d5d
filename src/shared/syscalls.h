// SPDX-License-Identifier: MIT
//
// The system calls of the signal handler, typed. Raw: they keep errno, and a preload that interposes
// the libc functions (ours, or somebody's) is not entered. Each returns a result or -errno.
// docs/sandbox.md lists them for those who filter system calls.
#pragma once

#include <fcntl.h>
#include <linux/futex.h>
#include <raw_syscall.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>

#include <atomic>

namespace nosigbus::sys {

using arch::raw_syscall;

inline bool failed(long result) { return result < 0 && result > -4096; }

inline long mmap(uintptr_t address, size_t length, int prot, int flags, int fd, off_t offset) {
  return raw_syscall(SYS_mmap, static_cast<long>(address), static_cast<long>(length), prot, flags, fd,
                     offset);
}
inline long munmap(uintptr_t address, size_t length) {
  return raw_syscall(SYS_munmap, static_cast<long>(address), static_cast<long>(length));
}
inline long mremap(uintptr_t old_address, size_t old_length, size_t new_length, int flags,
                   uintptr_t new_address = 0) {
  return raw_syscall(SYS_mremap, static_cast<long>(old_address), static_cast<long>(old_length),
                     static_cast<long>(new_length), flags, static_cast<long>(new_address));
}
inline long mprotect(uintptr_t address, size_t length, int prot) {
  return raw_syscall(SYS_mprotect, static_cast<long>(address), static_cast<long>(length), prot);
}
inline long madvise(uintptr_t address, size_t length, int advice) {
  return raw_syscall(SYS_madvise, static_cast<long>(address), static_cast<long>(length), advice);
}
inline long munlock(uintptr_t address, size_t length) {
  return raw_syscall(SYS_munlock, static_cast<long>(address), static_cast<long>(length));
}
inline long msync(uintptr_t address, size_t length, int flags) {
  return raw_syscall(SYS_msync, static_cast<long>(address), static_cast<long>(length), flags);
}
inline long uname(struct utsname* out) { return raw_syscall(SYS_uname, reinterpret_cast<long>(out)); }
inline long fstat(int fd, struct stat* out) {
  return raw_syscall(SYS_fstat, fd, reinterpret_cast<long>(out));
}
// True where it cannot be asked.
inline bool opened_for_writing(int fd) {
  const long flags = raw_syscall(SYS_fcntl, fd, F_GETFL);
  return failed(flags) || (flags & O_ACCMODE) != O_RDONLY;
}
inline long open(const char* path, int flags) {
  return raw_syscall(SYS_openat, AT_FDCWD, reinterpret_cast<long>(path), flags);
}
inline long close(int fd) { return raw_syscall(SYS_close, fd); }
inline long read(int fd, void* data, size_t length) {
  return raw_syscall(SYS_read, fd, reinterpret_cast<long>(data), static_cast<long>(length));
}
inline long ioctl(int fd, unsigned long request, void* argument) {
  return raw_syscall(SYS_ioctl, fd, static_cast<long>(request), reinterpret_cast<long>(argument));
}
// Of the path itself, and without making anybody mount what is behind it.
inline long stat(const char* path, struct stat* out) {
  return raw_syscall(SYS_newfstatat, AT_FDCWD, reinterpret_cast<long>(path), reinterpret_cast<long>(out),
                     AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT);
}
// As the C library's fstat(3), which filters of system calls allow: newfstatat.
inline long stat_opened(int fd, struct stat* out) {
  return raw_syscall(SYS_newfstatat, fd, reinterpret_cast<long>(""), reinterpret_cast<long>(out),
                     AT_EMPTY_PATH);
}
inline long statfs(const char* path, struct statfs* out) {
  return raw_syscall(SYS_statfs, reinterpret_cast<long>(path), reinterpret_cast<long>(out));
}
inline long write(int fd, const void* data, size_t length) {
  return raw_syscall(SYS_write, fd, reinterpret_cast<long>(data), static_cast<long>(length));
}
// how: SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK.
inline long change_signal_mask(int how, uint64_t mask, uint64_t* old) {
  return raw_syscall(SYS_rt_sigprocmask, how, reinterpret_cast<long>(&mask), reinterpret_cast<long>(old),
                     sizeof mask);
}
inline long set_signal_mask(uint64_t mask, uint64_t* old) {
  return change_signal_mask(SIG_SETMASK, mask, old);
}
inline long set_default_action(int signo) {
  const arch::kernel_sigaction action{};  // SIG_DFL is null
  return raw_syscall(SYS_rt_sigaction, signo, reinterpret_cast<long>(&action), 0, sizeof action.mask);
}
inline long current_action(int signo, arch::kernel_sigaction* out) {
  return raw_syscall(SYS_rt_sigaction, signo, 0, reinterpret_cast<long>(out), sizeof out->mask);
}
// Queues a signal to the calling thread with exactly this siginfo. To itself a process may send even
// what only the kernel sends otherwise (rt_tgsigqueueinfo(2), "EPERM").
inline long queue_to_self(int signo, const siginfo_t* info) {
  return raw_syscall(SYS_rt_tgsigqueueinfo, raw_syscall(SYS_getpid), raw_syscall(SYS_gettid), signo,
                     reinterpret_cast<long>(info));
}
// To whichever of its threads does not block it.
inline long queue_to_process(int signo, const siginfo_t* info) {
  return raw_syscall(SYS_rt_sigqueueinfo, raw_syscall(SYS_getpid), signo, reinterpret_cast<long>(info));
}
inline void futex_wait(std::atomic<uint32_t>* word, uint32_t value) {
  raw_syscall(SYS_futex, reinterpret_cast<long>(word), FUTEX_WAIT_PRIVATE, value, 0);
}
inline void futex_wake(std::atomic<uint32_t>* word, int threads) {
  raw_syscall(SYS_futex, reinterpret_cast<long>(word), FUTEX_WAKE_PRIVATE, threads);
}
// Makes the kernel read the aligned word at the address. -EAGAIN or -ETIMEDOUT when it could, -EFAULT. No
// thread waits: the time is up at once.
inline long futex_peek(uintptr_t address) {
  const timespec no_time{};
  return raw_syscall(SYS_futex, static_cast<long>(address), FUTEX_WAIT_PRIVATE, 0,
                     reinterpret_cast<long>(&no_time));
}
// Makes the kernel write the aligned word at the address, atomically, as it is. >= 0 when it could,
// -EFAULT. May wake one thread that waits for that word, which has to expect that at any time (futex(2)).
inline long futex_touch(uintptr_t address) {
  std::atomic<uint32_t> nobody_waits{0};
  return raw_syscall(SYS_futex, reinterpret_cast<long>(&nobody_waits), FUTEX_WAKE_OP_PRIVATE, 0, 0,
                     static_cast<long>(address), FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 0));
}

}  // namespace nosigbus::sys
