/* SPDX-License-Identifier: MIT */
#include "sigbus.h"

#include <errno.h>
#include <nosigbus/events.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

static pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned g_installed;
static int g_brought;         /* nosigbus was not installed before; then it goes with us */
static int g_error = -ENOENT; /* why there are no faults to tell; 0 */

void sigbus_install(void) {
  pthread_mutex_lock(&g_lock);
  if (g_installed++ == 0) {
    const int queue = nosigbus_event_fd();
    g_brought = nosigbus_check() == -ENOENT;
    g_error = queue < 0 ? queue : nosigbus_install(0);
  }
  pthread_mutex_unlock(&g_lock);
}

void sigbus_reset(void) {
  pthread_mutex_lock(&g_lock);
  if (g_installed > 0 && --g_installed == 0 && g_brought) nosigbus_uninstall();
  pthread_mutex_unlock(&g_lock);
}

static int take(const struct nosigbus_event* event, void* page) {
  const uint64_t mask = (uint64_t)sysconf(_SC_PAGESIZE) - 1;
  if ((event->what & NOSIGBUS_EVENT_FAULT) == 0) return 0;
  *(void**)page = (char*)nosigbus_region_data(event->region) + (event->offset & ~mask);
  return 1;
}

int sigbus_pop(void** ret) {
  void* page = NULL;
  pthread_mutex_lock(&g_lock);
  const int failed = g_error;
  pthread_mutex_unlock(&g_lock);
  if (failed != 0) return failed;
  const int told = nosigbus_dispatch(take, &page);
  if (told < 0) return told;
  if (page == NULL) return 0;
  *ret = page;
  return 1;
}
