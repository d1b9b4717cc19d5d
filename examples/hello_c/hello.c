/* SPDX-License-Identifier: MIT
 *
 * A copy that stops where the memory ends, and a region that reads on through zeros, in C. */
#include <nosigbus/copy.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static int fail(const char* what) {
  fprintf(stderr, "%s failed\n", what);
  return 1;
}

int main(void) {
  static char copy[65536];
  struct nosigbus_region* region;
  const int fd = memfd_create("buffer", MFD_CLOEXEC); /* think of a client that sent it */
  if (fd < 0 || ftruncate(fd, sizeof copy) != 0) return fail("memfd_create");

  if (nosigbus_install(0) != 0) return fail("nosigbus_install");
  const void* plain = mmap(NULL, sizeof copy, PROT_READ, MAP_SHARED, fd, 0);
  if (plain == MAP_FAILED) return fail("mmap");
  if (nosigbus_map(&region, fd, 0, sizeof copy, PROT_READ, 0) != 0) return fail("nosigbus_map");

  if (ftruncate(fd, 10000) != 0) return fail("ftruncate"); /* the client cuts it off */

  const size_t copied = nosigbus_safe_read(copy, plain, sizeof copy);
  printf("copied %zu of %zu bytes, then: %s\n", copied, sizeof copy,
         nosigbus_last_fault()->cause == NOSIGBUS_MISSING ? "missing" : "something else");

  const char* pixels = nosigbus_region_data(region);
  printf("last byte of the region: %d\n", pixels[sizeof copy - 1]); /* would have been SIGBUS */
  struct nosigbus_region_status status;
  if (nosigbus_region_status(region, &status, sizeof status) != 0) return fail("nosigbus_region_status");
  printf("bad from %lu on\n", (unsigned long)status.first_bad_offset);
  return nosigbus_region_release(region) == 0 ? 0 : fail("nosigbus_region_release");
}
