/* SPDX-License-Identifier: MIT
 *
 * The description of one memory fault, as every part of nosigbus reports it.
 */
#ifndef NOSIGBUS_FAULT_H
#define NOSIGBUS_FAULT_H

#include <stddef.h>
#include <stdint.h>

#include <nosigbus/abi.h>

NOSIGBUS_BEGIN_DECLS

/* Why an access could not be served. */
enum nosigbus_cause {
  /* No fault. */
  NOSIGBUS_NONE = 0,
  /* A file page that could not be supplied, seen outside of every region, where end of file and
   * I/O error cannot be told apart. Inside a region the cause is decided: EOF or IO. */
  NOSIGBUS_MISSING,
  /* The page lies past the end of its file: somebody truncated it, or it never was that long. */
  NOSIGBUS_EOF,
  /* The page lies within its file but could not be supplied: I/O error, or no space left for a hole
   * of a sparse file (on tmpfs a mere read of the hole then fails). */
  NOSIGBUS_IO,
  /* The hardware reported the memory as corrupted (BUS_MCEERR_AR). */
  NOSIGBUS_POISON,
  /* Nothing is mapped there (SIGSEGV; absorbed only with NOSIGBUS_CATCH_SEGV). */
  NOSIGBUS_UNMAPPED,
  /* The mapping does not permit the access (SIGSEGV; absorbed only with NOSIGBUS_CATCH_SEGV). */
  NOSIGBUS_PROTECTED
};

/* What the access wanted. */
enum nosigbus_access {
  /* The machine does not say. */
  NOSIGBUS_ACCESS_UNKNOWN = 0,
  /* To load. */
  NOSIGBUS_READ,
  /* To store, or to load and store. */
  NOSIGBUS_WRITE
};

/* One fault. */
struct nosigbus_fault {
  /* Address of the data that could not be accessed. From a guarded operation: its first bad byte. */
  uintptr_t address;
  /* Address of the faulting instruction; 0 where an operation met an overlay and no fault at all. */
  uintptr_t pc;
  /* Signal number and si_code, as the kernel gave them. */
  int signo;
  int code;
  /* Why, and what the access wanted. */
  enum nosigbus_cause cause;
  enum nosigbus_access access;
  /* Bytes that are bad together, a power of two: the page size, or what the hardware lost. */
  size_t granule;
};

NOSIGBUS_END_DECLS

#endif
