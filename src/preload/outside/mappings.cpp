// SPDX-License-Identifier: MIT
//
// The program's changes of mappings. While nothing is damaged they are the system calls and nothing else: no
// mapping is noted anywhere. What is damaged is put back before the kernel sees the call, so that it finds
// the mappings that the program made; faults make it a region again where it is still short.
#include <errno.h>
#include <src/inside/probe.h>
#include <src/preload/inside/books.h>
#include <src/preload/inside/calls.h>
#include <src/preload/inside/healer.h>
#include <src/preload/inside/spare_mappings.h>
#include <src/preload/inside/supervision.h>
#include <src/preload/outside/real.h>
#include <src/shared/thread_state.h>
#include <stdarg.h>

using namespace nosigbus;
using namespace nosigbus::preload;

namespace {

// As the C library returns what the kernel returned.
template <class Result>
Result answer(long result) {
  if (!sys::failed(result)) return (Result)result;
  errno = static_cast<int>(-result);
  return (Result)-1;
}

uintptr_t to_address(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

// The end of the range, whatever the program asks for.
uintptr_t end_of(uintptr_t begin, size_t length) {
  const uintptr_t last = UINTPTR_MAX - g_page_size;
  const size_t room = begin < last ? last - begin : 0;
  return begin + (length < room ? (length + g_page_size - 1) & ~(g_page_size - 1) : room);
}

// The handler under supervision puts zeros of its own over what is missing: ours take their place, which know
// of huge pages and limits, and can be healed.
bool asks_for_zeros(const supervision& now, uintptr_t begin, size_t length, int prot, int flags) {
  const uintptr_t page = now.fault->address & ~(g_page_size - 1);
  constexpr int kind = MAP_FIXED | MAP_ANONYMOUS, data = PROT_READ | PROT_WRITE;
  const bool readable = (prot & data) != 0 && (prot & ~data) == 0;
  return readable && (flags & kind) == kind && page >= begin && page < end_of(begin, length);
}

// Whether our zeros do for what the handler asks. Where it wants to write and the program could not, they do
// not: its memory is to stay writable, and what it writes there is to stay, which healing would take away.
bool serve_zeros(supervision& now, int prot) {
  nosigbus_fault fault = *now.fault;
  if (!supply_zeros(fault)) return false;
  const uintptr_t page = fault.address & ~(g_page_size - 1);
  const bool writes = (prot & PROT_WRITE) != 0;
  now.served = !writes || probe::pages(page, g_page_size, true) == probe::answer::accessible;
  return now.served;
}

// A call that changes what is mapped in the range finds there what the program has mapped. One during which
// something may have been guarded, as it was not kept from it (calls.h), is put right afterwards: what is
// left of the regions in its range is mapped as the program knows it.
enum class repeatable { no, yes };
template <class Call, class GiveBack, class Afterwards>
long change(Call call, GiveBack give_back_all, Afterwards afterwards, repeatable again = repeatable::no) {
  unguarded_call unguarded;
  bool made = unguarded.begin();
  long result = made ? call() : 0;
  if (__builtin_expect(made && unguarded.end(), 1)) return result;
  made = made && again == repeatable::no;
  {
    const books_lock lock;
    give_back_all();
    if (!made) result = call();
    afterwards(result);
  }
  healer::wake_if_missed();
  return result;
}

template <class Call>
long change(uintptr_t begin, size_t length, Call call, repeatable again = repeatable::no) {
  return change(
      call, [=] { give_back(begin, end_of(begin, length)); }, [](long) {}, again);
}

long map_anywhere(uintptr_t address, size_t length, int prot, int flags, int fd, off_t offset) {
  const bool guarded = any_guarded();
  const long result = sys::mmap(address, length, prot, flags, fd, offset);
  if (__builtin_expect(!guarded, 1) || sys::failed(result)) return result;
  {
    const books_lock lock;
    const uintptr_t begin = static_cast<uintptr_t>(result);
    forget_range(begin, end_of(begin, length));
  }
  healer::wake_if_missed();
  return result;
}

long map(uintptr_t address, size_t length, int prot, int flags, int fd, off_t offset) {
  if ((offset & 4095) != 0) return -EINVAL;  // mmap(2) of the C library
  // MAP_FIXED_NOREPLACE takes nothing away.
  if ((flags & MAP_FIXED) == 0) return map_anywhere(address, length, prot, flags, fd, offset);
  return change(address, length, [=] { return sys::mmap(address, length, prot, flags, fd, offset); });
}

}  // namespace

NOSIGBUS_WRAPPER void* mmap(void* address, size_t length, int prot, int flags, int fd,
                            off_t offset) noexcept {
  const uintptr_t begin = to_address(address);
  if (__builtin_expect(t_supervision != nullptr, 0)) {
    supervision* const now = under_supervision();
    const bool ours = now != nullptr && asks_for_zeros(*now, begin, length, prot, flags);
    if (ours && serve_zeros(*now, prot)) return address;
  }
  return answer<void*>(map(begin, length, prot, flags, fd, offset));
}

NOSIGBUS_WRAPPER void* mmap64(void* address, size_t length, int prot, int flags, int fd,
                              off64_t offset) noexcept {
  return mmap(address, length, prot, flags, fd, offset);
}

NOSIGBUS_WRAPPER int munmap(void* address, size_t length) noexcept {
  const uintptr_t begin = to_address(address);
  return answer<int>(change(begin, length, [=] { return sys::munmap(begin, length); }));
}

NOSIGBUS_WRAPPER int mprotect(void* address, size_t length, int prot) noexcept {
  const uintptr_t begin = to_address(address);
  return answer<int>(change(
      begin, length, [=] { return sys::mprotect(begin, length, prot); }, repeatable::yes));
}

NOSIGBUS_WRAPPER void* mremap(void* address, size_t old_length, size_t new_length, int flags, ...) noexcept {
  uintptr_t new_address = 0;
  constexpr int dontunmap = 4;  // MREMAP_DONTUNMAP, Linux 5.7
  if ((flags & (MREMAP_FIXED | dontunmap)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    // The analyzer does not know that va_start has initialized it.
    new_address = to_address(va_arg(arguments, void*));  // NOLINT(clang-analyzer-valist.Uninitialized)
    va_end(arguments);
  }
  const uintptr_t begin = to_address(address);
  const auto give_back_all = [=] {
    // A duplicate (length 0) is of the mapping that begins there.
    give_back(begin, end_of(begin, old_length != 0 ? old_length : 1));
    if ((flags & MREMAP_FIXED) != 0) give_back(new_address, end_of(new_address, new_length));
  };
  const auto call = [=] { return sys::mremap(begin, old_length, new_length, flags, new_address); };
  const long result = change(call, give_back_all, [=](long moved) {
    if (!sys::failed(moved))
      forget_range(static_cast<uintptr_t>(moved), end_of(static_cast<uintptr_t>(moved), new_length));
  });
  return answer<void*>(result);
}
