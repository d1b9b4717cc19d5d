/* SPDX-License-Identifier: MIT
 * A library that a program names for the loader to run (rtld-audit(7)): says that it was. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

unsigned la_version(unsigned version) {
  const char* const flag = getenv("AUDITED");
  if (flag != NULL) close(open(flag, O_CREAT | O_WRONLY, 0600));
  return version;
}
