/* SPDX-License-Identifier: MIT */
#include "sigsegv.h"

#include <errno.h>
#include <nosigbus/runtime.h>
#include <pthread.h>
#include <stddef.h>

/* Held by those who change something; never by a handler. */
static pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;

/* Written under the lock, read by signal handlers. */
static sigsegv_handler_t g_process_handler;
/* nosigbus's action, below ours; constant while ours is in place. */
static struct sigaction g_below;
static int g_in_place;
/* nosigbus was not installed before; then it goes with us. */
static int g_brought;

static void on_fault(int signo, siginfo_t* info, void* context) {
  const sigsegv_handler_t handler = __atomic_load_n(&g_process_handler, __ATOMIC_ACQUIRE);
  const int error = errno;
  const int cured = info->si_code > 0 && handler != NULL &&
                    (handler(info->si_addr, 0) != 0 || handler(info->si_addr, 1) != 0);
  errno = error;
  if (!cured) g_below.sa_sigaction(signo, info, context);
}

/* With the stack and the mask of nosigbus's action, which are those that the ones below it need. */
static int put_in_place(void) {
  struct sigaction ours;
  if (g_in_place) return 0;
  g_brought = nosigbus_check() == -ENOENT;
  if (nosigbus_install(NOSIGBUS_CATCH_SEGV) != 0 || sigaction(SIGSEGV, NULL, &g_below) != 0) return -1;
  ours = g_below;
  ours.sa_sigaction = on_fault;
  g_in_place = sigaction(SIGSEGV, &ours, NULL) == 0;
  return g_in_place ? 0 : -1;
}

int sigsegv_install_handler(sigsegv_handler_t handler) {
  pthread_mutex_lock(&g_lock);
  const int result = put_in_place();
  if (result == 0) __atomic_store_n(&g_process_handler, handler, __ATOMIC_RELEASE);
  pthread_mutex_unlock(&g_lock);
  return result;
}

static int is_in_front(void) {
  struct sigaction now;
  return sigaction(SIGSEGV, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
         now.sa_sigaction == on_fault;
}

void sigsegv_deinstall_handler(void) {
  pthread_mutex_lock(&g_lock);
  __atomic_store_n(&g_process_handler, NULL, __ATOMIC_RELEASE);
  /* Where somebody is in front of ours, that stays and passes on what it is given. Where there are regions,
   * nosigbus's stays. */
  if (g_in_place && is_in_front() && sigaction(SIGSEGV, &g_below, NULL) == 0) {
    g_in_place = 0;
    if (g_brought) nosigbus_uninstall();
  }
  pthread_mutex_unlock(&g_lock);
}

int sigsegv_leave_handler(void (*continuation)(void*, void*, void*), void* cont_arg1, void* cont_arg2,
                          void* cont_arg3) {
  continuation(cont_arg1, cont_arg2, cont_arg3);
  return 1;
}
