// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <signal.h>

#include <cerrno>

#include "scenario.h"
#include "support/child.h"

namespace test {

namespace {

sigjmp_buf g_way_out;
volatile sig_atomic_t g_inside = 0;

void leave(int signo, siginfo_t*, void*) {
  if (g_inside == 0) {
    signal(signo, SIG_DFL);
    return;
  }
  g_inside = 0;
  siglongjmp(g_way_out, 1);
}

// No system call but the handler's.
template <class Access>
int attempt(Access access) {
  constexpr int kept = 77;
  if (sigsetjmp(g_way_out, 0) != 0) return touch_declined;
  g_inside = 1;
  errno = kept;
  const bool right = access();
  g_inside = 0;
  return right && errno == kept ? touch_right : touch_wrong;
}

}  // namespace

void catch_declined_faults() {
  struct sigaction action {};
  action.sa_sigaction = leave;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  CHILD_CHECK(sigaction(SIGBUS, &action, nullptr) == 0);
  CHILD_CHECK(sigaction(SIGSEGV, &action, nullptr) == 0);
}

int touch(const volatile void* at, unsigned char wanted) {
  return attempt([=] { return *static_cast<const volatile unsigned char*>(at) == wanted; });
}

int touch_to_write(volatile void* at, unsigned char value) {
  return attempt([=] {
    *static_cast<volatile unsigned char*>(at) = value;
    return true;
  });
}

}  // namespace test
