// SPDX-License-Identifier: MIT
#include <src/fiber/stack.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

// AddressSanitizer's, in a program that has it.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" __attribute__((weak)) void __asan_unpoison_memory_region(const volatile void* address,
                                                                    size_t size);

namespace nosigbus {

namespace {

// Room for the kernel's frame of a signal, whatever registers it has to hold, and for handlers.
constexpr std::size_t least = std::size_t{64} << 10;

}  // namespace

fiber_stack::fiber_stack(std::size_t size) : guard_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
  if (size < least) size = least;
  length_ = guard_ + (size + guard_ - 1) / guard_ * guard_;
  void* const memory = length_ < size ? MAP_FAILED
                                      : mmap(nullptr, length_, PROT_NONE,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED)
    throw std::system_error(ENOMEM, std::generic_category(), "nosigbus::fiber: stack");
  begin_ = static_cast<char*>(memory);
  if (mprotect(bottom(), this->size(), PROT_READ | PROT_WRITE) != 0) {
    const int error = errno;
    munmap(begin_, length_);
    throw std::system_error(error, std::generic_category(), "nosigbus::fiber: stack");
  }
}

fiber_stack::~fiber_stack() {
  // What an abandoned fiber's frames have marked would be marked of whatever comes to lie there.
  if (__asan_unpoison_memory_region != nullptr) __asan_unpoison_memory_region(bottom(), size());
  munmap(begin_, length_);
}

}  // namespace nosigbus
