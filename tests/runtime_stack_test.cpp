// SPDX-License-Identifier: MIT
//
// How much stack the handler uses below the frame that the kernel makes: alternate stacks can be tiny.
#include <doctest/doctest.h>
#ifdef NOSIGBUS_TEST_BACKTRACE
#include <nosigbus/backtrace.h>
#endif
#include <nosigbus/copy.h>
#include <nosigbus/events.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <sys/auxv.h>
#include <ucontext.h>

#include <cstring>
#include <string>

#include "support/chain_fixture.h"
#include "support/fault_context.h"
#include "support/no_qemu.h"

namespace {

using namespace test;

constexpr ptrdiff_t limit = 2048;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;  // instrumented code has other frames
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

constexpr unsigned long at_minsigstksz = 51;  // AT_MINSIGSTKSZ, which older headers lack

alignas(64) unsigned char g_stack[64 << 10];
constexpr unsigned char paint = 0xa5;

void paint_stack() { memset(g_stack, paint, sizeof g_stack); }

const unsigned char* lowest_touched() {
  const unsigned char* at = g_stack;
  while (at != g_stack + sizeof g_stack && *at == paint) ++at;
  return at;
}

const unsigned char* g_context = nullptr;
const unsigned char* g_handler_frame = nullptr;

// Of a fault that is not ours: where the kernel puts the frame, and where we call from.
void note_frame(int, siginfo_t*, void* ucontext) {
  g_context = static_cast<const unsigned char*>(ucontext);
  g_handler_frame = static_cast<const unsigned char*>(__builtin_frame_address(0));
}

// In a child: what `fault` touched below the ucontext of the kernel's frame, which lies at the same place
// whenever the alternate stack was not in use.
template <class F>
ptrdiff_t used_by(F fault) {
  stack_t stack{};
  stack.ss_sp = g_stack;
  stack.ss_size = sizeof g_stack;
  CHILD_CHECK(sigaltstack(&stack, nullptr) == 0);
  install_handler(SIGBUS, note_frame, SA_ONSTACK);
  CHILD_CHECK(nosigbus_install(0) == 0);
  raise(SIGBUS);
  CHILD_CHECK(g_context > g_stack && g_context < g_stack + sizeof g_stack);
  paint_stack();
  fault();
  const unsigned char* const lowest = lowest_touched();
  CHILD_CHECK(lowest < g_stack + sizeof g_stack);  // the handler did run there
  return g_context - lowest;
}

template <class F>
void check_use(const std::string& name, F fault) {
  INFO(name);
  CHECK(in_child([&] {
          const ptrdiff_t used = used_by(fault);
          if (used > limit && !sanitized) dprintf(2, "%s: %td bytes of stack\n", name.c_str(), used);
          return used > 0 && (used <= limit || sanitized) ? 0 : 1;
        }) == exited(0));
}

unsigned char* adopt(const shared_file& file, int flags, int fd, unsigned region_flags) {
  unsigned char* const address = file.map(16 * page_size(), PROT_READ | PROT_WRITE, flags);
  nosigbus_region* region = nullptr;
  CHILD_CHECK(nosigbus_adopt(&region, address, 16 * page_size(), fd, region_flags) == 0);
  return address + 7 * page_size();
}

void read_byte(const unsigned char* p) { CHILD_CHECK(*static_cast<const volatile unsigned char*>(p) == 0); }

}  // namespace

TEST_CASE("The handler absorbs a fault within 2 KiB of stack below the kernel's frame") {
  const shared_file file(2 * page_size());
  check_use("region with descriptor", [&] { read_byte(adopt(file, MAP_SHARED, file.fd(), 0)); });
  check_use("region without descriptor", [&] { read_byte(adopt(file, MAP_SHARED, -1, 0)); });
  check_use("private region", [&] { read_byte(adopt(file, MAP_PRIVATE, file.fd(), 0)); });
  check_use("discarded write", [&] {
    *static_cast<volatile unsigned char*>(adopt(file, MAP_SHARED, -1, NOSIGBUS_DISCARD_WRITES)) = 1;
  });
  check_use("guarded operation", [&] {
    char bytes[64];
    CHILD_CHECK(nosigbus_safe_read(bytes, file.map(3 * page_size()) + 2 * page_size(), sizeof bytes) == 0);
  });
  check_use("a region that declines, a guarded operation", [&] {
    const char byte = 1;
    CHILD_CHECK(nosigbus_safe_write(adopt(file, MAP_SHARED, -1, 0), &byte, 1) == 0);
  });
}

#ifdef NOSIGBUS_TEST_BACKTRACE
TEST_CASE("The handler collects a call chain within 2 KiB of stack below the kernel's frame") {
  const shared_file file(2 * page_size());
  check_use("region with descriptor", [&] {
    CHILD_CHECK(nosigbus_backtrace_enable() == 0);
    read_byte(adopt(file, MAP_SHARED, file.fd(), 0));
  });
}
#endif

TEST_CASE("The handler passes a signal on within 2 KiB of stack below the kernel's frame") {
  CHECK(in_child([] {
          used_by([] { raise(SIGBUS); });
          const ptrdiff_t used = g_context - g_handler_frame;
          return used > 0 && (used <= limit || sanitized) ? 0 : 1;
        }) == exited(0));
}

TEST_CASE("A fault is absorbed on the smallest alternate stack that the kernel takes a frame on") {
  const shared_file file(page_size());
  CHECK(in_child([&] {
          install_handler(SIGBUS, note_frame, SA_ONSTACK);
          stack_t stack{};
          stack.ss_sp = g_stack;
          stack.ss_size = sizeof g_stack;
          CHILD_CHECK(sigaltstack(&stack, nullptr) == 0);
          raise(SIGBUS);
          const auto frame = static_cast<size_t>(g_stack + sizeof g_stack - g_context);
          stack.ss_size = (frame + limit + 63) & ~size_t{63};
          if (sanitized) stack.ss_size = sizeof g_stack;
          if (stack.ss_size < static_cast<size_t>(MINSIGSTKSZ)) stack.ss_size = MINSIGSTKSZ;
          stack.ss_sp = g_stack + sizeof g_stack - stack.ss_size;
          paint_stack();
          CHILD_CHECK(sigaltstack(&stack, nullptr) == 0);
          CHILD_CHECK(nosigbus_install(0) == 0);
          read_byte(adopt(file, MAP_SHARED, -1, 0));
          CHILD_CHECK(lowest_touched() >= static_cast<unsigned char*>(stack.ss_sp));
          return 0;
        }) == exited(0));
}

namespace {

// What the kernel says that a signal's frame takes at most (Linux 5.14), and what we do besides.
size_t least_stack() {
  const unsigned long told = getauxval(at_minsigstksz);
  const size_t frame = told != 0 ? told : static_cast<size_t>(MINSIGSTKSZ);
  return frame + static_cast<size_t>(limit);
}

// In a child, on an alternate stack of that size, to the byte: `fault`, which is absorbed, and of which
// nothing may touch what lies below.
template <class Fault>
outcome on_least_stack(Fault fault) {
  return in_child([&] {
    if (nosigbus_install(0) != 0) return 1;
    const shared_file file(page_size());
    paint_stack();
    unsigned char* const begin = g_stack + sizeof g_stack - least_stack();
    stack_t stack{};
    stack.ss_sp = begin;
    stack.ss_size = least_stack();
    CHILD_CHECK(sigaltstack(&stack, nullptr) == 0);
    fault(file);
    CHILD_CHECK(lowest_touched() >= begin);
    return 0;
  });
}

}  // namespace

TEST_CASE("An alternate stack of AT_MINSIGSTKSZ and 2 KiB is enough" NO_QEMU("has frames of its own")) {
  if (sanitized) return;
  const auto each = [](auto fault) { CHECK(on_least_stack(fault) == exited(0)); };
  for (const int sharing : {MAP_SHARED, MAP_PRIVATE}) {
    each([sharing](const shared_file& file) { read_byte(adopt(file, sharing, file.fd(), 0)); });
    each([sharing](const shared_file& file) { read_byte(adopt(file, sharing, -1, 0)); });
    each([sharing](const shared_file& file) {
      *static_cast<volatile unsigned char*>(adopt(file, sharing, -1, NOSIGBUS_DISCARD_WRITES)) = 1;
    });
  }
  each([](const shared_file& file) {
    CHILD_CHECK(nosigbus_event_fd() >= 0);
    read_byte(adopt(file, MAP_SHARED, file.fd(), 0));
  });
  each([](const shared_file& file) {
    char bytes[64];
    CHILD_CHECK(nosigbus_safe_read(bytes, file.map(3 * page_size()) + 2 * page_size(), sizeof bytes) == 0);
  });
  each([](const shared_file& file) {
    const char byte = 1;
    unsigned char* const overlaid = adopt(file, MAP_SHARED, -1, 0);
    read_byte(overlaid);
    CHILD_CHECK(nosigbus_safe_write(overlaid, &byte, 1) == 0);
  });
#ifdef NOSIGBUS_TEST_BACKTRACE
  each([](const shared_file& file) {
    CHILD_CHECK(nosigbus_backtrace_enable() == 0);
    read_byte(adopt(file, MAP_SHARED, file.fd(), 0));
  });
#endif
}

TEST_CASE("What is not absorbed kills on an alternate stack of AT_MINSIGSTKSZ and 2 KiB" NO_QEMU(
    "has frames of its own")) {
  if (sanitized) return;
  CHECK(on_least_stack([](const shared_file& file) { read_byte(file.map(2 * page_size()) + page_size()); }) ==
        killed_by(SIGBUS));
  CHECK(on_least_stack([](const shared_file& file) { *adopt(file, MAP_SHARED, -1, 0) = 1; }) ==
        killed_by(misuse_signal()));
  CHECK(on_least_stack([](const shared_file&) { *static_cast<volatile char*>(nullptr) = 1; }) ==
        killed_by(SIGSEGV));
}

namespace {

const volatile unsigned char* g_missing = nullptr;

// Leaves a few hundred bytes of a stack of one page, and faults.
void fault_with_little_room() {
  unsigned char used[3400];
  asm volatile("" : : "r"(used) : "memory");
  static_cast<void>(*g_missing);
}

}  // namespace

TEST_CASE(
    "Where a stack has no room for the kernel's frame the kernel kills" NO_QEMU("has frames of its own")) {
  if (sanitized || page_size() != 4096) return;
  for (const bool alternate : {false, true}) {
    CAPTURE(alternate);
    CHECK(in_child([alternate] {
            set_alternate_stack(alternate);
            CHILD_CHECK(nosigbus_install(0) == 0);
            const shared_file file(page_size());
            g_missing = adopt(file, MAP_SHARED, file.fd(), 0);
            char* const stack = static_cast<char*>(
                mmap(nullptr, 2 * page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
            CHILD_CHECK(mprotect(stack + page_size(), page_size(), PROT_READ | PROT_WRITE) == 0);
            ucontext_t back, small;
            getcontext(&small);
            small.uc_stack.ss_sp = stack + page_size();
            small.uc_stack.ss_size = page_size();
            small.uc_link = &back;
            makecontext(&small, fault_with_little_room, 0);
            swapcontext(&back, &small);
            return 0;
          }) == (alternate ? exited(0) : killed_by(SIGSEGV)));
  }
}
