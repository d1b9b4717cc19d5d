/* SPDX-License-Identifier: MIT
 *
 * The tables of areas of sigsegv.h. Handlers read them at any time, so none is changed: there is another
 * one.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sigsegv.h"

struct area {
  uintptr_t first, last; /* addresses */
  sigsegv_area_handler_t handler;
  void* arg;
};
struct table {
  struct table* next_retired;
  size_t count;
  struct area areas[]; /* by address */
};
static struct table g_none;

/* Held by those who change something; never by a handler. */
static pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;
/* How many are reading some table. */
static unsigned g_readers;
/* Tables that some of them may still have. Under the lock. */
static struct table* g_retired;

/* The index of the first area that does not lie below the address. */
static size_t find(const struct table* table, uintptr_t address) {
  size_t low = 0, high = table->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (table->areas[middle].last < address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

int sigsegv_dispatch(sigsegv_dispatcher* dispatcher, void* fault_address) {
  const uintptr_t address = (uintptr_t)fault_address;
  sigsegv_area_handler_t handler = NULL;
  void* arg = NULL;
  __atomic_fetch_add(&g_readers, 1, __ATOMIC_SEQ_CST);
  const struct table* table = __atomic_load_n(&dispatcher->tree, __ATOMIC_SEQ_CST);
  const size_t at = find(table, address);
  if (at < table->count && table->areas[at].first <= address) {
    handler = __atomic_load_n(&table->areas[at].handler, __ATOMIC_RELAXED);
    arg = table->areas[at].arg;
  }
  __atomic_fetch_sub(&g_readers, 1, __ATOMIC_RELEASE);
  return handler != NULL ? handler(fault_address, arg) : 0;
}

void sigsegv_init(sigsegv_dispatcher* dispatcher) { dispatcher->tree = &g_none; }

/* Who reads from now on finds the new table, or has been counted before the old ones are freed: both sides
 * write first and read then, seq_cst. Nobody waits: in a child of fork, one who counts may never come back.
 */
static void publish(sigsegv_dispatcher* dispatcher, struct table* old, struct table* fresh) {
  __atomic_store_n(&dispatcher->tree, fresh, __ATOMIC_SEQ_CST);
  if (old != &g_none) {
    old->next_retired = g_retired;
    g_retired = old;
  }
  if (__atomic_load_n(&g_readers, __ATOMIC_SEQ_CST) != 0) return;
  while (g_retired != NULL) {
    struct table* const next = g_retired->next_retired;
    free(g_retired);
    g_retired = next;
  }
}

/* A copy with room for one more area at `at`, or without the one that is there. NULL: no memory. */
static struct table* copy(const struct table* old, size_t at, int more) {
  const size_t count = old->count + (size_t)more, kept = at + (more < 0);
  struct table* const fresh = malloc(sizeof *fresh + count * sizeof fresh->areas[0]);
  if (fresh == NULL) return NULL;
  fresh->count = count;
  memcpy(fresh->areas, old->areas, at * sizeof fresh->areas[0]);
  memcpy(fresh->areas + at + (more > 0), old->areas + kept, (old->count - kept) * sizeof fresh->areas[0]);
  return fresh;
}

/* The ticket is the area's last byte: no two areas of a table share it. */
void* sigsegv_register(sigsegv_dispatcher* dispatcher, void* address, size_t len,
                       sigsegv_area_handler_t handler, void* handler_arg) {
  const uintptr_t first = (uintptr_t)address, last = first + (len - 1);
  if (len == 0 || last < first) return NULL;
  pthread_mutex_lock(&g_lock);
  struct table* const old = dispatcher->tree;
  const size_t at = find(old, first);
  const int overlaps = at < old->count && old->areas[at].first <= last;
  struct table* const fresh = overlaps ? NULL : copy(old, at, 1);
  if (fresh != NULL) {
    fresh->areas[at] = (struct area){first, last, handler, handler_arg};
    publish(dispatcher, old, fresh);
  }
  pthread_mutex_unlock(&g_lock);
  return fresh != NULL ? (void*)last : NULL;
}

void sigsegv_unregister(sigsegv_dispatcher* dispatcher, void* ticket) {
  pthread_mutex_lock(&g_lock);
  struct table* const old = dispatcher->tree;
  const size_t at = find(old, (uintptr_t)ticket);
  if (ticket != NULL && at < old->count && old->areas[at].last == (uintptr_t)ticket) {
    struct table* const fresh = copy(old, at, -1);
    if (fresh != NULL) {
      publish(dispatcher, old, fresh);
    } else {
      __atomic_store_n(&old->areas[at].handler, NULL, __ATOMIC_RELAXED);
    }
  }
  pthread_mutex_unlock(&g_lock);
}
