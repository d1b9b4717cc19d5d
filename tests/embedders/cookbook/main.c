/* SPDX-License-Identifier: MIT
 *
 * A program for the handler of docs/embedding.md.
 */
#include <fcntl.h>
#include <nosigbus/region.h>
#include <stdio.h>
#include <sys/mman.h>

void own_bus(void);

int main(void) {
  struct nosigbus_region* region = NULL;
  struct nosigbus_region_status status;
  own_bus();
  if (nosigbus_map(&region, open("buffer", O_RDONLY), 0, 65536, PROT_READ, 0) != 0) return 1;
  const volatile unsigned char* const bytes = nosigbus_region_data(region);
  const int last = bytes[65535];
  nosigbus_region_status(region, &status, sizeof status);
  printf("last byte %d, bad from %lu on\n", last, (unsigned long)status.first_bad_offset);
  return 0;
}
