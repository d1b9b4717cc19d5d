// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <errno.h>
#include <src/inside/errand.h>
#include <src/inside/replace.h>
#include <src/shared/thread_state.h>

namespace nosigbus::replace {

namespace {

// Reads digits, and steps over them and what ends them.
unsigned number(const char*& text) {
  unsigned value = 0;
  for (;; ++text) {
    const unsigned digit = static_cast<unsigned>(*text - '0');
    if (digit > 9) break;
    value = value * 10 + digit;
  }
  if (*text != '\0') ++text;
  return value;
}

// Since Linux 6.17 limits are looked at before anything is taken away.
bool limits_come_first() {
  enum { unknown, yes, no };
  static constinit std::atomic<int> g_known{unknown};  // relaxed, no partner: all threads find out the same
  int state = g_known.load(std::memory_order_relaxed);
  if (state == unknown) {
    struct utsname names {};
    sys::uname(&names);
    const char* release = names.release;
    const unsigned major = number(release), minor = number(release);
    state = major > 6 || (major == 6 && minor >= 17) ? yes : no;
    g_known.store(state, std::memory_order_relaxed);
  }
  return state == yes;
}

long move_over(uintptr_t address, size_t length, long made) {
  if (sys::failed(made)) return made;
  const uintptr_t from = static_cast<uintptr_t>(made);
  const long moved = sys::mremap(from, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, address);
  if (sys::failed(moved)) sys::munmap(from, length);
  return moved;
}

// Between two pages of its own: beside the program's memory it would become part of that, and would not be
// joined with the zeros that it comes to lie beside.
long move_writable_zeros(uintptr_t address, size_t length, int prot, int flags) {
  const size_t page = g_page_size;
  const long room = sys::mmap(0, length + 2 * page, PROT_NONE, flags, -1, 0);
  if (sys::failed(room)) return room;
  const uintptr_t before = static_cast<uintptr_t>(room), made = before + page, behind = made + length;
  long result = sys::mprotect(made, length, prot);
  if (sys::failed(result)) {
    sys::munmap(made, length);
  } else {
    result = move_over(address, length, static_cast<long>(made));
  }
  sys::munmap(before, page);
  sys::munmap(behind, page);
  return result;
}

long map_zero_device(uintptr_t address, size_t length, int prot) {
  const long zero = sys::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  if (sys::failed(zero)) return zero;
  const int fd = static_cast<int>(zero);
  constexpr int flags = MAP_PRIVATE | MAP_NORESERVE;
  const off_t offset = static_cast<off_t>(address);
  const bool refused_first = (prot & PROT_WRITE) == 0 || limits_come_first();
  const long result = refused_first ? sys::mmap(address, length, prot, flags | MAP_FIXED, fd, offset)
                                    : with_file(address, length, prot, flags, fd, offset);
  sys::close(fd);
  return result;
}

}  // namespace

long with_zeros(uintptr_t address, size_t length, int prot) {
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  // What cannot be written is not counted as memory, which may be short.
  const bool refused_first = (prot & PROT_WRITE) == 0 || limits_come_first();
  if (refused_first) return sys::mmap(address, length, prot, flags | MAP_FIXED, -1, 0);
  return move_writable_zeros(address, length, prot, flags);
}

long with_traceable_zeros(uintptr_t address, size_t length, int prot) {
  return run_errand([=] { return map_zero_device(address, length, prot); });
}

long with_file(uintptr_t address, size_t length, int prot, int flags, int fd, off_t offset) {
  const long made = sys::mmap(0, length, prot, flags, fd, offset);
  const long moved = move_over(address, length, made);
  // Huge pages of hugetlbfs cannot be moved before Linux 5.17; its driver has just shown that it permits
  // this.
  const bool unmovable = !sys::failed(made) && moved == -EINVAL;
  return unmovable ? sys::mmap(address, length, prot, flags | MAP_FIXED, fd, offset) : moved;
}

long with_duplicate(uintptr_t address, size_t length, uintptr_t source) {
  constexpr int there = MREMAP_MAYMOVE | MREMAP_FIXED;
  if (limits_come_first()) return sys::mremap(source, 0, length, there, address);
  return move_over(address, length, sys::mremap(source, 0, length, MREMAP_MAYMOVE));
}

}  // namespace nosigbus::replace
