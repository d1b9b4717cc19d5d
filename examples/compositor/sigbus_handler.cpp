// SPDX-License-Identifier: MIT
#include "sigbus_handler.h"

#include <nosigbus/runtime.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace compositor {

namespace {

// More than all threads need at once.
constexpr size_t spare_mappings = 16;

// Pages of the compositor's own; null while a thread has lent them. Whoever takes it off has it alone:
// acq_rel with the exchange of others, and with the store that puts it back.
std::atomic<char*> g_spare{nullptr};
size_t g_page;

// Pages beside each other of different protection are a mapping each.
void keep_spare_mappings() {
  void* const made =
      mmap(nullptr, spare_mappings * g_page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made == MAP_FAILED) return;
  char* const pages = static_cast<char*>(made);
  for (size_t i = 1; i < spare_mappings; i += 2) {
    if (mprotect(pages + i * g_page, g_page, PROT_READ) != 0) break;
  }
  // Another thread may have been faster.
  char* none = nullptr;
  if (!g_spare.compare_exchange_strong(none, pages, std::memory_order_acq_rel)) {
    munmap(pages, spare_mappings * g_page);
  }
}

// Again even where another thread has lent them: there is room then.
bool handle_with_spare_mappings(int signo, siginfo_t* info, void* context) {
  char* const pages = g_spare.exchange(nullptr, std::memory_order_acq_rel);
  if (pages != nullptr) munmap(pages, spare_mappings * g_page);
  const bool handled = nosigbus_handle_signal(signo, info, context) != 0;
  keep_spare_mappings();
  return handled;
}

// Async-signal-safe: system calls, and nosigbus_handle_signal.
void on_sigbus(int signo, siginfo_t* info, void* context) {
  if (nosigbus_handle_signal(signo, info, context) != 0) return;
  const int saved = errno;
  if (!handle_with_spare_mappings(signo, info, context)) {
    // It happens again, and nobody handles it then. One that was sent does not.
    signal(SIGBUS, SIG_DFL);
    if (info->si_code <= 0) raise(SIGBUS);
  }
  errno = saved;
}

}  // namespace

int handle_sigbus() {
  g_page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  keep_spare_mappings();
  struct sigaction action {};
  action.sa_sigaction = on_sigbus;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  return sigaction(SIGBUS, &action, nullptr) == 0 ? 0 : -errno;
}

}  // namespace compositor
