/* SPDX-License-Identifier: MIT
 *
 * deaths WAY: dies of what nosigbus does not absorb, in a C program that has installed it.
 */
#define _GNU_SOURCE

#include <nosigbus/guard.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static size_t page;

/* Two pages, of which the file has the first. */
static int cut_off_file(void) {
  const int fd = memfd_create("musl", MFD_CLOEXEC);
  return fd >= 0 && ftruncate(fd, (off_t)page) == 0 ? fd : -1;
}

static volatile char* plain_mapping(void) {
  return mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, cut_off_file(), 0);
}

static volatile char* region(void) {
  struct nosigbus_region* made;
  if (nosigbus_map(&made, cut_off_file(), 0, 2 * page, PROT_READ | PROT_WRITE, 0) != 0) _exit(3);
  return nosigbus_region_data(made);
}

static int read_byte(void* at) { return *(volatile char*)at; }

static void leave(int signo) { _exit(signo == SIGBUS ? 42 : 4); }

int main(int argc, char** argv) {
  const struct rlimit no_core = {0, 0};
  const char* const way = argc > 1 ? argv[1] : "";
  struct nosigbus_fault fault;
  page = (size_t)sysconf(_SC_PAGESIZE);
  setrlimit(RLIMIT_CORE, &no_core);
  if (strcmp(way, "handler") == 0) signal(SIGBUS, leave);
  if (nosigbus_install(0) != 0) return 3;
  /* That it is there, and absorbs, in the same process. */
  if (region()[page] != 0) return 5;
  if (nosigbus_guard(read_byte, (void*)(plain_mapping() + page), NULL, 0, &fault) >= 0) return 6;
  if (strcmp(way, "read") == 0 || strcmp(way, "handler") == 0) return plain_mapping()[page];
  if (strcmp(way, "write") == 0) region()[page] = 1;
  if (strcmp(way, "sent") == 0) raise(SIGBUS);
  if (strcmp(way, "wild") == 0) *(volatile int*)argv[argc] = 1;
  return 7;
}
