// SPDX-License-Identifier: MIT
//
// What tests of previous actions start from. For children: what goes wrong ends the process.
#pragma once

#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <signal.h>
#include <sys/mman.h>

#include <atomic>

#include "child.h"
#include "shared_file.h"

namespace test {

// A page past the end of its file, outside every region and inside one.
struct missing_page {
  shared_file file{page_size()};
  unsigned char* foreign = file.map(2 * page_size(), PROT_READ | PROT_WRITE) + page_size();
  nosigbus_region* region = nullptr;
  volatile const unsigned char* guarded = nullptr;

  missing_page() {
    CHILD_CHECK(nosigbus_map(&region, file.fd(), 0, 2 * page_size(), PROT_READ, 0) == 0);
    guarded = static_cast<unsigned char*>(nosigbus_region_data(region)) + page_size();
  }
  void read_foreign() const { static_cast<void>(*static_cast<volatile const unsigned char*>(foreign)); }
};

inline void install_handler(int signo, void (*handler)(int, siginfo_t*, void*), int flags,
                            struct sigaction* old = nullptr) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | flags;
  signal(SIGSEGV, SIG_DFL);  // a sanitizer has a handler
  CHILD_CHECK(sigaction(signo, &action, old) == 0);
}

// Sanitizers leave an alternate stack: takes it away, or replaces it.
inline void set_alternate_stack(bool present) {
  static unsigned char memory[64 << 10];
  stack_t stack{};
  stack.ss_sp = memory;
  stack.ss_size = sizeof memory;
  stack.ss_flags = present ? 0 : SS_DISABLE;
  CHILD_CHECK(sigaltstack(&stack, nullptr) == 0);
}

// How a child ends that meets a fault with what `install` puts on top of ours: a foreign one, or one of a
// region.
template <class Install>
outcome fault_below(bool foreign, Install install) {
  return in_child([foreign, install] {
    const missing_page f;
    signal(SIGBUS, SIG_DFL);
    CHILD_CHECK(nosigbus_install(0) == 0);
    install();
    foreign ? f.read_foreign() : static_cast<void>(*f.guarded);
    return 0;
  });
}

// Counts in memory that outlives the child.
struct shared_count {
  std::atomic<int>* value = static_cast<std::atomic<int>*>(
      mmap(nullptr, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ~shared_count() { munmap(value, page_size()); }
  void operator++() const { value->fetch_add(1); }
  int get() const { return value->load(); }
};

}  // namespace test
