// SPDX-License-Identifier: MIT
//
// Chains are collected without memory: where the handler allocates, the process aborts.
#include <signal.h>

#include <cerrno>

#include "backtrace/chains.h"
#include "support/no_qemu.h"

using namespace test;

namespace {

thread_local bool t_in_handler = false;

void not_in_handler() {
  if (t_in_handler) abort();
}

void on_fault(int signo, siginfo_t* info, void* ucontext) {
  t_in_handler = true;
  const int handled = nosigbus_handle_signal(signo, info, ucontext);
  t_in_handler = false;
  if (handled == 0) _exit(98);
}

void own_handler() {
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  CHILD_CHECK(sigaction(SIGBUS, &action, nullptr) == 0);
}

OUTLINE int deep(int levels) {
  const int result = levels == 0 ? fault_by_load() : deep(levels - 1);
  keep_frame();
  return result;
}

}  // namespace

// glibc's allocator, behind a check.
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void __libc_free(void*);

void* malloc(size_t size) {
  not_in_handler();
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  not_in_handler();
  return __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  not_in_handler();
  return __libc_realloc(old, size);
}
void free(void* memory) {
  not_in_handler();
  __libc_free(memory);
}
}

TEST_CASE("the first chain of a process is collected without memory and keeps errno" NO_QEMU(
    "no process_vm_readv")) {
  CHECK(in_child([] {
          own_handler();
          CHILD_CHECK(nosigbus_event_fd() >= 0);
          CHILD_CHECK(enabled());
          missing_region missing;
          errno = 42;
          deep(20);
          CHILD_CHECK(errno == 42);
          CHILD_CHECK(chain_of_event().size() > 22);
          return 0;
        }) == exited(0));
}

TEST_CASE("an allocation in the handler is found") {
  CHECK(in_child([] {
          own_handler();
          CHILD_CHECK(nosigbus_collect_chains([](void*, uintptr_t*, size_t) {
                        void* volatile memory = malloc(1);
                        free(memory);
                        return size_t{0};
                      }) == 0);
          missing_region missing;
          deep(1);
          return 0;
        }) == killed_by(SIGABRT));
}
