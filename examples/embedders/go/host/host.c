/* SPDX-License-Identifier: MIT
 *
 * A C program with a library in Go: embedder-go-host MODE CASE [LIBRARY]. Without LIBRARY it is the one that
 * is linked in.
 *
 * MODE says in which order nosigbus and Go came (start), CASE what happens then (main). docs/embedding.md has
 * the results.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <handlers.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { page = 4096, size = 16 * page, fill = 0x5a };

typedef unsigned sum_function(void* at, size_t bytes);

#ifdef GO_ARCHIVE
sum_function SumInGo;
int RecoverFromNil(void);
#endif

static sum_function* g_sum_in_go;
static int (*g_recover_from_nil)(void);

static void require(int condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "expected: %s\n", what);
  exit(99);
}

static void load_go(const char* library) {
#ifdef GO_ARCHIVE
  (void)library;
  g_sum_in_go = SumInGo;
  g_recover_from_nil = RecoverFromNil;
#else
  void* const handle = dlopen(library, RTLD_NOW);
  require(handle != NULL, dlerror());
  g_sum_in_go = (sum_function*)dlsym(handle, "SumInGo");
  g_recover_from_nil = (int (*)(void))dlsym(handle, "RecoverFromNil");
#endif
}

static unsigned sum_in_c(void* at, size_t bytes) {
  const volatile unsigned char* const each = at;
  unsigned total = 0;
  for (size_t i = 0; i < bytes; ++i) total += each[i];
  return total;
}

static void start(const char* mode, const char* library) {
  int error = 0;
  const int is_before = strcmp(mode, "before") == 0 || strcmp(mode, "rearmed") == 0;
  if (is_before) error = nosigbus_install(0);
  if (strcmp(mode, "own-before") == 0) error = handlers_own();
  require(error == 0, "the handler");
  load_go(library);
  /* The runtime starts in a thread of its own; a call waits for it. */
  require(g_sum_in_go(NULL, 0) == 0, "Go");
  if (strcmp(mode, "after") == 0) error = nosigbus_install(0);
  if (strcmp(mode, "rearmed") == 0) error = nosigbus_rearm();
  if (strcmp(mode, "own") == 0) error = handlers_own();
  require(error == 0, "the handler");
}

static int new_file(void) {
  unsigned char bytes[page];
  const int fd = memfd_create("embedder", MFD_CLOEXEC);
  memset(bytes, fill, sizeof bytes);
  for (int i = 0; i < size / page; ++i) require(write(fd, bytes, sizeof bytes) == page, "a file");
  return fd;
}

static void read_region(sum_function* sum) {
  struct nosigbus_region* region = NULL;
  const int fd = new_file();
  require(nosigbus_map(&region, fd, 0, size, PROT_READ, 0) == 0, "a region");
  require(sum(nosigbus_region_data(region), size) == (unsigned)size * fill, "the file");
  require(ftruncate(fd, page) == 0, "a short file");
  require(sum(nosigbus_region_data(region), size) == (unsigned)page * fill, "zeros behind the first page");
  require(nosigbus_region_release(region) == 0, "the end");
}

static void read_foreign(sum_function* sum) {
  const int fd = new_file();
  void* const at = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
  require(at != MAP_FAILED && ftruncate(fd, page) == 0, "a short file");
  printf("%u\n", sum(at, size));
}

static void describe(const char* name, int signo) {
  char text[64];
  require(handlers_describe(signo, text, sizeof text) == 0, "an action");
  printf("%s: %s\n", name, text);
}

int main(int argc, char** argv) {
  require(argc >= 3, "embedder-go-host MODE CASE [LIBRARY]");
  const char* const what = argv[2];
  start(argv[1], argc > 3 ? argv[3] : NULL);
  if (strcmp(what, "region-c") == 0) read_region(sum_in_c);
  if (strcmp(what, "region-go") == 0) read_region(g_sum_in_go);
  if (strcmp(what, "foreign-c") == 0) read_foreign(sum_in_c);
  if (strcmp(what, "foreign-go") == 0) read_foreign(g_sum_in_go);
  if (strcmp(what, "nil") == 0) printf("recovered: %d\n", g_recover_from_nil());
  if (strcmp(what, "check") == 0) printf("check: %d\n", -nosigbus_check());
  if (strcmp(what, "owner") == 0) describe("SIGBUS", SIGBUS);
  return 0;
}
