/* SPDX-License-Identifier: MIT
 *
 * A C program that uses an installed nosigbus: a guarded read and a region, of a file that is cut off
 * under them. Prints what is wrong; exit status 0 when nothing is.
 */
#define _POSIX_C_SOURCE 200809L

#include <nosigbus/copy.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int failures;

static void expect(int condition, const char* what) {
  if (condition) return;
  failures++;
  fprintf(stderr, "failed: %s\n", what);
}

/* The first page stays, the second is cut off. */
static void cut_off(int fd, size_t page) { expect(ftruncate(fd, (off_t)page) == 0, "truncate"); }

static void make_whole(int fd, size_t page) {
  size_t i;
  for (i = 0; i < 2 * page; i++) expect(pwrite(fd, "x", 1, (off_t)i) == 1, "write");
}

static void guarded_read(int fd, size_t page) {
  static char copy[2 << 16];
  const char* mapping = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, fd, 0);
  expect(mapping != MAP_FAILED, "mmap");
  expect(nosigbus_safe_read(copy, mapping, 2 * page) == 2 * page, "all of a whole file is read");
  expect(nosigbus_last_fault()->cause == NOSIGBUS_NONE, "no fault");
  cut_off(fd, page);
  expect(nosigbus_safe_read(copy, mapping, 2 * page) == page, "the read stops where the file ends");
  expect(nosigbus_last_fault()->address == (uintptr_t)mapping + page, "the fault names the first bad byte");
  expect(copy[page - 1] == 'x' && copy[page] == 0, "what is missing is zero");
}

static void region(int fd, size_t page) {
  struct nosigbus_region* region;
  struct nosigbus_region_status status;
  const volatile char* data;
  expect(nosigbus_map(&region, fd, 0, 2 * page, PROT_READ, 0) == 0, "map");
  data = nosigbus_region_data(region);
  expect(data[page] == 'x', "a whole file is seen");
  cut_off(fd, page);
  expect(data[0] == 'x' && data[page] == 0, "what is missing reads as zero");
  expect(nosigbus_region_status(region, &status, sizeof status) == 0, "status");
  expect(status.overlaid && status.cause == NOSIGBUS_EOF, "the status tells");
  make_whole(fd, page);
  expect(nosigbus_region_refresh(region) == 1 && data[page] == 'x', "refresh brings the file back");
  expect(nosigbus_region_release(region) == 0, "release");
}

int main(void) {
  FILE* file = tmpfile();
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (file == NULL) return 2;
  expect(nosigbus_install(0) == 0, "install");
  make_whole(fileno(file), page);
  guarded_read(fileno(file), page);
  make_whole(fileno(file), page);
  region(fileno(file), page);
  return failures == 0 ? 0 : 1;
}
