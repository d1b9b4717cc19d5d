// SPDX-License-Identifier: MIT
//
// How a handler under supervision says that it knows no help: it raises its signal again. And how it leaves:
// by longjmp.
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <src/preload/inside/calls.h>
#include <src/preload/inside/supervision.h>
#include <src/preload/outside/real.h>
#include <src/preload/state.h>
#include <unistd.h>

using namespace nosigbus::preload;

namespace {

// By kill's first argument. Who gives up with all its group is not to take it along either.
bool is_us(pid_t pid) { return pid == getpid() || pid == 0 || (pid < -1 && -pid == getpgrp()); }

bool gives_up(int signo) { return signo == SIGBUS && under_supervision() != nullptr; }

constinit real<int(int)> g_raise("raise");
constinit real<int(pid_t, int)> g_kill("kill");
constinit real<int(pid_t, int)> g_killpg("killpg");
constinit real<int(pid_t, pid_t, int)> g_tgkill("tgkill");
constinit real<int(pthread_t, int)> g_pthread_kill("pthread_kill");
constinit real<int(pthread_t, int, sigval)> g_pthread_sigqueue("pthread_sigqueue");
constinit real<int(pid_t, int, sigval)> g_sigqueue("sigqueue");

}  // namespace

NOSIGBUS_WRAPPER int raise(int signo) noexcept { return gives_up(signo) ? 0 : g_raise(signo); }
NOSIGBUS_WRAPPER int gsignal(int signo) noexcept { return raise(signo); }
NOSIGBUS_WRAPPER int kill(pid_t pid, int signo) noexcept {
  return gives_up(signo) && is_us(pid) ? 0 : g_kill(pid, signo);
}
NOSIGBUS_WRAPPER int killpg(pid_t group, int signo) noexcept {
  return gives_up(signo) && is_us(-group) ? 0 : g_killpg(group, signo);
}
NOSIGBUS_WRAPPER int tgkill(pid_t pid, pid_t thread, int signo) {
  return gives_up(signo) && pid == getpid() && thread == gettid() ? 0 : g_tgkill(pid, thread, signo);
}
NOSIGBUS_WRAPPER int pthread_kill(pthread_t thread, int signo) noexcept {
  return gives_up(signo) && pthread_equal(thread, pthread_self()) != 0 ? 0 : g_pthread_kill(thread, signo);
}
NOSIGBUS_WRAPPER int pthread_sigqueue(pthread_t thread, int signo, sigval value) noexcept {
  const bool itself = pthread_equal(thread, pthread_self()) != 0;
  return gives_up(signo) && itself ? 0 : g_pthread_sigqueue(thread, signo, value);
}
NOSIGBUS_WRAPPER int sigqueue(pid_t pid, int signo, sigval value) noexcept {
  return gives_up(signo) && pid == getpid() ? 0 : g_sigqueue(pid, signo, value);
}

namespace {

using jump = void(__jmp_buf_tag*, int);
constinit real<jump> g_longjmp("longjmp"), g__longjmp("_longjmp"), g_siglongjmp("siglongjmp"),
    g_longjmp_chk("__longjmp_chk");

[[noreturn]] void leave(real<jump>& function, __jmp_buf_tag* point, int value) {
  end_supervision();
  leave_by_longjmp();
  function(point, value);
  __builtin_unreachable();
}

}  // namespace

void nosigbus::preload::look_up_ways_to_give_up() {
  look_up(g_raise, g_kill, g_killpg, g_tgkill, g_pthread_kill, g_pthread_sigqueue, g_sigqueue, g_longjmp,
          g__longjmp, g_siglongjmp, g_longjmp_chk);
}

NOSIGBUS_WRAPPER void longjmp(__jmp_buf_tag* point, int value) noexcept { leave(g_longjmp, point, value); }
NOSIGBUS_WRAPPER void _longjmp(__jmp_buf_tag* point, int value) noexcept { leave(g__longjmp, point, value); }
NOSIGBUS_WRAPPER void siglongjmp(__jmp_buf_tag* point, int value) noexcept {
  leave(g_siglongjmp, point, value);
}
NOSIGBUS_WRAPPER void __longjmp_chk(__jmp_buf_tag* point, int value) noexcept {
  leave(g_longjmp_chk, point, value);
}
