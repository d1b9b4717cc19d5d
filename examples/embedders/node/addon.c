/* SPDX-License-Identifier: MIT
 *
 * nosigbus for Node, below nosigbus.js: handles that are numbers, and memory that is an ArrayBuffer. Loaded
 * by the main thread and by workers, which share the regions: each ArrayBuffer holds a reference of its own.
 */
#include <errno.h>
#include <guarded.h>
#include <handlers.h>
#include <node_api.h>
#include <nosigbus/copy.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

/* A region, and who has it: the JavaScript object, while it is open, and ArrayBuffers of any thread. */
struct shared_region {
  struct nosigbus_region* region;
  uint32_t id; /* 0: closed */
  unsigned references;
  struct shared_region* next;
};

/* Guards the list and what is in it. Never held while the region's memory is read. */
static pthread_mutex_t g_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct shared_region* g_regions = NULL;
static uint32_t g_last_id = 0;

/* The open one with this number; NULL when there is none. */
static struct shared_region* find(double id) {
  struct shared_region* at = g_regions;
  while (at != NULL && (at->id == 0 || at->id != id)) at = at->next;
  return at;
}

/* The same, with a reference more. */
static struct shared_region* acquire(double id) {
  pthread_mutex_lock(&g_mutex);
  struct shared_region* const found = find(id);
  if (found != NULL) ++found->references;
  pthread_mutex_unlock(&g_mutex);
  return found;
}

static void release(struct shared_region* shared) {
  pthread_mutex_lock(&g_mutex);
  const int is_last = --shared->references == 0;
  if (is_last) {
    struct shared_region** at = &g_regions;
    while (*at != shared) at = &(*at)->next;
    *at = shared->next;
  }
  pthread_mutex_unlock(&g_mutex);
  if (!is_last) return;
  nosigbus_region_release(shared->region);
  free(shared);
}

/* Errors are numbers below zero on the other side, too; nosigbus.js makes exceptions of them. */
static napi_value number(napi_env env, double value) {
  napi_value result = NULL;
  napi_create_double(env, value, &result);
  return result;
}

/* Arguments that are numbers; 0 where they are not, which no function here takes for valid. */
static void numbers(napi_env env, napi_callback_info info, size_t count, double* out) {
  napi_value values[4] = {NULL, NULL, NULL, NULL};
  size_t given = count;
  napi_get_cb_info(env, info, &given, values, NULL, NULL);
  for (size_t i = 0; i < count; ++i) {
    out[i] = 0;
    if (i < given) napi_get_value_double(env, values[i], &out[i]);
  }
}

/* A descriptor, and a length that an ArrayBuffer can have. Converting others would be undefined. */
static int is_file_part(const double* arguments) {
  return arguments[0] >= 0 && arguments[0] <= INT32_MAX && arguments[1] >= 1 &&
         arguments[1] <= 9007199254740991.0;
}

static napi_value install(napi_env env, napi_callback_info info) {
  double flags;
  numbers(env, info, 1, &flags);
  return number(env, flags >= 0 && flags <= UINT32_MAX ? nosigbus_install((unsigned)flags) : -EINVAL);
}
static napi_value check(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, nosigbus_check());
}
static napi_value rearm(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, nosigbus_rearm());
}

/* map(fd, length): a region's number, with a reference that close takes away. */
static napi_value map(napi_env env, napi_callback_info info) {
  double arguments[2];
  numbers(env, info, 2, arguments);
  if (!is_file_part(arguments)) return number(env, -EINVAL);
  struct shared_region* const shared = calloc(1, sizeof *shared);
  if (shared == NULL) return number(env, -ENOMEM);
  const int error = nosigbus_map(&shared->region, (int)arguments[0], 0, (size_t)arguments[1], PROT_READ, 0);
  if (error != 0) {
    free(shared);
    return number(env, error);
  }
  shared->references = 1;
  pthread_mutex_lock(&g_mutex);
  const uint32_t id = ++g_last_id;
  shared->id = id;
  shared->next = g_regions;
  g_regions = shared;
  pthread_mutex_unlock(&g_mutex);
  return number(env, id);
}

static napi_value close_region(napi_env env, napi_callback_info info) {
  double id;
  numbers(env, info, 1, &id);
  pthread_mutex_lock(&g_mutex);
  struct shared_region* const shared = find(id);
  if (shared != NULL) shared->id = 0;
  pthread_mutex_unlock(&g_mutex);
  if (shared == NULL) return number(env, -EBADF);
  release(shared);
  return number(env, 0);
}

static void buffer_is_gone(napi_env env, void* data, void* hint) {
  (void)env, (void)data;
  release(hint);
}

/* buffer(id): an ArrayBuffer over the region, in the calling thread. The collector ends its reference. */
static napi_value buffer(napi_env env, napi_callback_info info) {
  double id;
  napi_value result = NULL;
  numbers(env, info, 1, &id);
  struct shared_region* const shared = acquire(id);
  if (shared == NULL) return number(env, -EBADF);
  void* const data = nosigbus_region_data(shared->region);
  const size_t size = nosigbus_region_size(shared->region);
  if (napi_create_external_arraybuffer(env, data, size, buffer_is_gone, shared, &result) == napi_ok)
    return result;
  /* An exception is pending, or this build of V8 has no external memory (its sandbox). */
  release(shared);
  return number(env, -ENOTSUP);
}

static napi_value refresh(napi_env env, napi_callback_info info) {
  double id;
  numbers(env, info, 1, &id);
  struct shared_region* const shared = acquire(id);
  if (shared == NULL) return number(env, -EBADF);
  const int result = nosigbus_region_refresh(shared->region);
  release(shared);
  return number(env, result);
}

/* firstBadOffset(id): -ENOENT while the region is whole. */
static napi_value first_bad_offset(napi_env env, napi_callback_info info) {
  double id;
  struct nosigbus_region_status status;
  numbers(env, info, 1, &id);
  struct shared_region* const shared = acquire(id);
  if (shared == NULL) return number(env, -EBADF);
  nosigbus_region_status(shared->region, &status, sizeof status);
  release(shared);
  return number(env, status.overlaid ? (double)status.first_bad_offset : -ENOENT);
}

/* safeRead(destination, source): two ArrayBuffers; the number of bytes before the first bad one. */
static napi_value safe_read(napi_env env, napi_callback_info info) {
  napi_value buffers[2];
  size_t count = 2, sizes[2];
  void* data[2];
  if (napi_get_cb_info(env, info, &count, buffers, NULL, NULL) != napi_ok || count != 2)
    return number(env, -EINVAL);
  for (int i = 0; i < 2; ++i) {
    if (napi_get_arraybuffer_info(env, buffers[i], &data[i], &sizes[i]) != napi_ok)
      return number(env, -EINVAL);
  }
  const size_t n = sizes[0] < sizes[1] ? sizes[0] : sizes[1];
  return number(env, (double)nosigbus_safe_read(data[0], data[1], n));
}

/* guardedLength(memory): how many bytes of an ArrayBuffer C code reads below a guard, before the first bad
 * one. */
static napi_value guarded_length(napi_env env, napi_callback_info info) {
  napi_value memory;
  size_t count = 1, size = 0, bad = 0;
  void* data;
  if (napi_get_cb_info(env, info, &count, &memory, NULL, NULL) != napi_ok || count != 1 ||
      napi_get_arraybuffer_info(env, memory, &data, &size) != napi_ok)
    return number(env, -EINVAL);
  guarded_sum(data, size, &bad);
  return number(env, (double)bad);
}

static void unmap(napi_env env, void* data, void* hint) {
  (void)env;
  munmap(data, (size_t)hint);
}

/* mapPlain(fd, length): an ArrayBuffer over a mapping that nosigbus knows nothing of. */
static napi_value map_plain(napi_env env, napi_callback_info info) {
  double arguments[2];
  napi_value result = NULL;
  numbers(env, info, 2, arguments);
  if (!is_file_part(arguments)) return number(env, -EINVAL);
  const size_t size = (size_t)arguments[1];
  void* const data = mmap(NULL, size, PROT_READ, MAP_SHARED, (int)arguments[0], 0);
  if (data == MAP_FAILED) return number(env, -errno);
  if (napi_create_external_arraybuffer(env, data, size, unmap, (void*)size, &result) == napi_ok)
    return result;
  munmap(data, size);
  return number(env, -ENOTSUP);
}

static napi_value own(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, handlers_own());
}
static napi_value report_crashes(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, handlers_report_crashes());
}
static napi_value describe(napi_env env, napi_callback_info info) {
  double signo;
  char text[64];
  napi_value result = NULL;
  numbers(env, info, 1, &signo);
  const int error = handlers_describe(signo > 0 && signo < NSIG ? (int)signo : 0, text, sizeof text);
  if (error != 0) return number(env, error);
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &result);
  return result;
}

#define FUNCTION(name, function) \
  { name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL }

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
      FUNCTION("install", install),
      FUNCTION("check", check),
      FUNCTION("rearm", rearm),
      FUNCTION("map", map),
      FUNCTION("close", close_region),
      FUNCTION("buffer", buffer),
      FUNCTION("refresh", refresh),
      FUNCTION("firstBadOffset", first_bad_offset),
      FUNCTION("safeRead", safe_read),
      FUNCTION("guardedLength", guarded_length),
      FUNCTION("mapPlain", map_plain),
      FUNCTION("own", own),
      FUNCTION("reportCrashes", report_crashes),
      FUNCTION("describe", describe),
  };
  napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions);
  return exports;
}
