/* SPDX-License-Identifier: MIT
 *
 * What the programs of this folder have in common. Each is run as PROGRAM MODE CASE, as those of
 * examples/embedders are, with their modes, which say who handles SIGBUS, and more: other, a handler that
 * hands on and no nosigbus; chaining, that handler on top of nosigbus; circle, nosigbus in front of it again.
 * In C, and of the C library alone: MemorySanitizer takes what other libraries have written for
 * uninitialised.
 */
#ifndef COEXISTENCE_SUBJECT_H
#define COEXISTENCE_SUBJECT_H

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  subject_page = 4096,
  subject_pages = 16,
  subject_size = subject_page * subject_pages,
  subject_fill = 0x5a
};

struct subject_case {
  const char* name; /* NULL ends a list */
  void (*run)(void);
};

/* Says what was expected, and ends the program with a status that no test expects. */
#define EXPECT(condition)                                                      \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
      _exit(99);                                                               \
    }                                                                          \
  } while (0)

/* A file without a name, subject_size bytes of subject_fill. */
int subject_file(void);
void subject_refill(int fd);
void subject_cut(int fd, size_t length);

/* A mapping that nosigbus knows nothing of, of which one page is left. */
const volatile unsigned char* subject_foreign(void);

/* Adds up the byte of each page that says whether it is the file's. */
unsigned subject_sum(const volatile unsigned char* memory);

/* The case "region", for memory that is a region over a file of subject_file. */
struct nosigbus_region;
void subject_check_region(int fd, struct nosigbus_region* region);

/* The one of this name; NULL: none. */
const struct subject_case* subject_find(const char* name, const struct subject_case* among);

/* What the mode of this name says. */
void subject_start(const char* mode);

/* Runs the case of this name, of `own` or of those that all programs have. */
void subject_run(const char* name, const struct subject_case* own);

/* Both, for main. */
int subject_main(int argc, char** argv, const struct subject_case* own);

#ifdef __cplusplus
}
#endif

#endif
