/* SPDX-License-Identifier: MIT
 *
 * A program with mistakes that one sanitizer or another finds, or another tool. Built with each sanitizer,
 * and without: libnosigbus itself is not instrumented, as Debian's libraries are not.
 */
#include <nosigbus/copy.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "subject.h"

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define UNPOISON(address, size) __msan_unpoison(address, size)
#endif
#endif
#ifndef UNPOISON
#define UNPOISON(address, size) ((void)0)
#endif

/* What the compiler knows nothing of. */
static volatile int g_one = 1;
static void* hidden(void* pointer) {
  __asm__("" : "+r"(pointer));
  return pointer;
}

static int g_shared;

static void use_after_free(void) {
  volatile char* const memory = hidden(malloc(10));
  memory[3] = 1;
  free(hidden((void*)memory));
  printf("%d\n", memory[g_one]);
}

static void overflow(void) {
  int most = 0x7fffffff;
  most += g_one;
  printf("%d\n", most);
}

static void* count(void* unused) {
  for (int i = 0; i < 1000; ++i) ++g_shared;
  return unused;
}
static void data_race(void) {
  pthread_t one, other;
  EXPECT(pthread_create(&one, NULL, count, NULL) == 0 && pthread_create(&other, NULL, count, NULL) == 0);
  EXPECT(pthread_join(one, NULL) == 0 && pthread_join(other, NULL) == 0);
  puts("counted");
}

static void uninitialised(void) {
  char* const memory = hidden(malloc(10));
  if (memory[g_one] == 1) puts("one");
  free(memory);
}

static void end(void) { abort(); }

/* A copy into memory that nobody has written before: that nosigbus writes it, nobody sees. */
static void read_copy(int told) {
  char* const copy = hidden(malloc(subject_page));
  EXPECT(nosigbus_safe_read(copy, (const void*)subject_foreign(), subject_page) == subject_page);
  if (told) UNPOISON(copy, subject_page);
  if (copy[g_one] == subject_fill) puts("copied");
  free(copy);
}
static void copied(void) { read_copy(0); }
static void copied_and_told(void) { read_copy(1); }

static const struct subject_case g_own[] = {
    {"use-after-free", use_after_free},   {"overflow", overflow}, {"data-race", data_race},
    {"uninitialised", uninitialised},     {"abort", end},         {"copied", copied},
    {"copied-and-told", copied_and_told}, {NULL, NULL},
};

#ifdef COEXISTENCE_FUZZER
/* libFuzzer installs its handlers between these two: where they are not in place already. */
static const char *g_mode, *g_case;

int LLVMFuzzerInitialize(int* argc, char*** argv) {
  EXPECT(*argc == 3);
  g_mode = (*argv)[1];
  g_case = (*argv)[2];
  if (strcmp(g_mode, "early") == 0) subject_start("installed");
  (*argv)[1] = (char*)"-runs=1";
  (*argv)[2] = (char*)"-exact_artifact_path=/dev/null";
  return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  (void)data;
  /* The first input, of which there is always one, is empty. */
  if (size == 0 && g_case != NULL) {
    if (strcmp(g_mode, "early") != 0) subject_start(g_mode);
    subject_run(g_case, g_own);
    g_case = NULL;
  }
  return 0;
}
#else
int main(int argc, char** argv) { return subject_main(argc, argv, g_own); }
#endif
