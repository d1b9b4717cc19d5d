/* SPDX-License-Identifier: MIT
 *
 * A program that reads mapped files, of which the diffs of docs/migrating.md are.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

int parse(const void* data, size_t length);
void process_pixels(void* pixels, size_t length);
