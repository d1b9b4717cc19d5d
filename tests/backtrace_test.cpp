// SPDX-License-Identifier: MIT
//
// Call chains of faults, with names.
#include <nosigbus/copy.h>

#include <cerrno>
#include <csignal>

#include "backtrace/chains.h"
#include "support/each_entry.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"

using namespace test;

namespace {

OUTLINE int compare_by_reading(const void*, const void*) {
  const int result = fault_by_load();
  keep_frame();
  return result;
}
OUTLINE int sort_something() {
  int numbers[] = {2, 1};
  qsort(numbers, 2, sizeof numbers[0], compare_by_reading);
  keep_frame();
  return numbers[0];
}

OUTLINE int copy_by_libc() {
  // Not to be expanded in place.
  void* (*const volatile copy)(void*, const void*, size_t) = memcpy;
  static unsigned char buffer[4096];
  copy(buffer, missing_page, sizeof buffer);
  keep_frame();
  return buffer[0];
}
OUTLINE int copy_guarded() {
  static unsigned char buffer[4096];
  nosigbus_safe_read(buffer, missing_page, sizeof buffer);
  keep_frame();
  return buffer[0];
}

void on_user_signal(int) {
  fault_by_load();
  keep_frame();
}
OUTLINE int raise_signal() {
  raise(SIGUSR1);
  keep_frame();
  return 0;
}

}  // namespace

TEST_CASE("a chain goes through libc and twenty frames to main" NO_QEMU("no process_vm_readv")) {
  in_each_entry(exited(0), [] {
    CHILD_CHECK(begin());
    const auto frames = chain_by(sort_something, 19);
    if (count(frames, "deep(") != 20) say(frames);
    CHILD_CHECK(has(frames[0].function, "fault_by_load()"));
    CHILD_CHECK(has(frames[1].function, "compare_by_reading(void const*, void const*)"));
    CHILD_CHECK(count(frames, "qsort") >= 1);
    CHILD_CHECK(count(frames, "deep(int, int (*)())") == 20);
    CHILD_CHECK(count(frames, "main") >= 1);
    CHILD_CHECK(has(frames[0].module, "backtrace_test"));
#ifdef NOSIGBUS_TEST_DEBUG_INFO
    CHILD_CHECK(has(frames[0].file, "chains.h"));
    CHILD_CHECK(has(frames[1].file, "backtrace_test.cpp"));
    CHILD_CHECK(frames[1].line != 0);
#endif
  });
}

TEST_CASE("a chain begins in libc's assembly and in the library's own" NO_QEMU("no process_vm_readv")) {
  in_each_entry(exited(0), [] {
    CHILD_CHECK(begin());
    const auto by_libc = chain_by(copy_by_libc, 3);
    CHILD_CHECK(count(by_libc, "copy_by_libc()") == 1);
    CHILD_CHECK(!has(by_libc[0].function, "copy_by_libc()"));
    CHILD_CHECK(count(by_libc, "deep(") == 4);
    const auto guarded = chain_by(copy_guarded, 3);
    CHILD_CHECK(has(guarded[0].module, "libnosigbus"));
    CHILD_CHECK(count(guarded, "copy_guarded()") == 1);
    CHILD_CHECK(count(guarded, "deep(") == 4);
  });
}

TEST_CASE("a chain goes through a signal handler on a stack of its own" NO_QEMU("no process_vm_readv")
              NO_TSAN("its handlers block SIGBUS")) {
  in_each_entry(exited(0), [] {
    CHILD_CHECK(begin());
    static unsigned char space[1 << 16];
    const stack_t stack{space, 0, sizeof space};
    CHILD_CHECK(sigaltstack(&stack, nullptr) == 0);
    struct sigaction action {};
    action.sa_handler = on_user_signal;
    action.sa_flags = SA_ONSTACK;
    CHILD_CHECK(sigaction(SIGUSR1, &action, nullptr) == 0);
    const auto frames = chain_by(raise_signal, 3);
    if (count(frames, "raise_signal()") != 1) say(frames);
    CHILD_CHECK(count(frames, "on_user_signal(int)") == 1);
    CHILD_CHECK(count(frames, "raise_signal()") == 1);
    CHILD_CHECK(count(frames, "deep(") == 4);
  });
}

TEST_CASE("a chain is of 64 frames at most" NO_QEMU("no process_vm_readv")) {
  in_each_entry(exited(0), [] {
    CHILD_CHECK(begin());
    const auto frames = chain_by(fault_by_load, 500);
    CHILD_CHECK(frames.size() == 64);
    CHILD_CHECK(count(frames, "deep(") == 63);
  });
}

TEST_CASE("without backtraces enabled there is no chain and with them there is one for each event" NO_QEMU(
    "no process_vm_readv")) {
  in_each_entry(exited(0), [] {
    CHILD_CHECK(nosigbus_event_fd() >= 0);
    missing_region missing;
    fault_by_load();
    CHILD_CHECK(chain_of_event().empty());
    missing.heal();
    nosigbus::dispatch([](const nosigbus::event&) {});

    CHILD_CHECK(enabled());
    missing.cut_off();
    deep(0, fault_by_load);
    missing.heal();
    missing.cut_off();
    deep(0, copy_by_libc);
    const auto frames = describe(chain_of_event());
    CHILD_CHECK(count(frames, "fault_by_load()") == 1);
    CHILD_CHECK(count(frames, "copy_by_libc()") == 0);
    missing.heal();
    nosigbus::dispatch([](const nosigbus::event&) {});

    CHILD_CHECK(nosigbus_backtrace_disable() == 0);
    missing.cut_off();
    fault_by_load();
    CHILD_CHECK(chain_of_event().empty());
  });
}

TEST_CASE("an event is printed with what and where and why and by whom" NO_QEMU("no process_vm_readv")) {
  in_each_entry(exited(0), [] {
    CHILD_CHECK(begin());
    missing_region missing;
    deep(2, copy_by_libc);
    int ends[2];
    CHILD_CHECK(pipe(ends) == 0);
    CHILD_CHECK(
        nosigbus_dispatch([](const nosigbus_event* event,
                             void* fd) { return nosigbus_event_print(event, *static_cast<int*>(fd)); },
                          &ends[1]) == 1);
    char bytes[32768];
    const ssize_t length = read(ends[0], bytes, sizeof bytes);
    CHILD_CHECK(length > 0);
    const std::string text(bytes, static_cast<size_t>(length));
    CHILD_CHECK(text.rfind("nosigbus: region 0x", 0) == 0);
    CHILD_CHECK(
        has(text, "; missing from offset 0 on (end of file); 1 fault so far; the file has 0 bytes\n"));
    CHILD_CHECK(has(text, "\n  #0  0x0000"));
    CHILD_CHECK(has(text, " copy_by_libc()+0x") || has(text, "::copy_by_libc()+0x"));
    CHILD_CHECK(has(text, "\n  #3 "));

    nosigbus_event event{};
    CHILD_CHECK(nosigbus_event_print(&event, -1) == -EBADF);
    CHILD_CHECK(nosigbus_event_print(nullptr, 1) == -EINVAL);
  });
}

TEST_CASE("what cannot be described is refused and what has no name is described without") {
  const auto stop = [](const nosigbus_frame*, void*) { return 1; };
  const uintptr_t nowhere[] = {1, 2, 3};
  CHECK(nosigbus_backtrace_describe(nowhere, 3, nullptr, nullptr) == -EINVAL);
  CHECK(nosigbus_backtrace_describe(nullptr, 1, stop, nullptr) == -EINVAL);
  CHECK(nosigbus_backtrace_describe(nullptr, 0, stop, nullptr) == 0);
  CHECK(nosigbus_backtrace_describe(nowhere, 3, stop, nullptr) == 1);
  for (const named& frame : describe({1, 2, 3})) {
    CHECK(frame.module.empty());
    CHECK(frame.function.empty());
    CHECK(frame.offset == 0);
  }
}
