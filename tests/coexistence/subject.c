/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "subject.h"

#include <errno.h>
#include <guarded.h>
#include <handlers.h>
#include <nosigbus/copy.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

int subject_file(void) {
  const int fd = memfd_create("subject", MFD_CLOEXEC);
  EXPECT(fd >= 0);
  subject_refill(fd);
  return fd;
}

void subject_refill(int fd) {
  static unsigned char bytes[subject_size];
  memset(bytes, subject_fill, sizeof bytes);
  EXPECT(pwrite(fd, bytes, sizeof bytes, 0) == subject_size);
}

void subject_cut(int fd, size_t length) { EXPECT(ftruncate(fd, (off_t)length) == 0); }

const volatile unsigned char* subject_foreign(void) {
  const int fd = subject_file();
  void* const at = mmap(NULL, subject_size, PROT_READ, MAP_SHARED, fd, 0);
  EXPECT(at != MAP_FAILED);
  subject_cut(fd, subject_page);
  close(fd);
  return at;
}

unsigned subject_sum(const volatile unsigned char* memory) {
  unsigned total = 0;
  for (size_t at = 0; at < subject_size; at += subject_page) total += memory[at];
  return total;
}

void subject_check_region(int fd, struct nosigbus_region* region) {
  const volatile unsigned char* const memory = nosigbus_region_data(region);
  struct nosigbus_region_status status = {0};
  EXPECT(subject_sum(memory) == subject_pages * subject_fill);
  subject_cut(fd, subject_page);
  EXPECT(subject_sum(memory) == subject_fill);
  EXPECT(nosigbus_region_status(region, &status, sizeof status) == 0);
  EXPECT(status.overlaid && status.first_bad_offset == subject_page && status.cause == NOSIGBUS_EOF);
  EXPECT(nosigbus_region_refresh(region) == 0);
  subject_refill(fd);
  EXPECT(nosigbus_region_refresh(region) == 1);
  EXPECT(subject_sum(memory) == subject_pages * subject_fill);
}

static struct nosigbus_region* map(int fd) {
  struct nosigbus_region* region = NULL;
  EXPECT(nosigbus_map(&region, fd, 0, subject_size, PROT_READ, 0) == 0);
  return region;
}

static void region(void) {
  const int fd = subject_file();
  struct nosigbus_region* const mapped = map(fd);
  subject_check_region(fd, mapped);
  EXPECT(nosigbus_region_release(mapped) == 0);
  close(fd);
}

/* Without a descriptor, the way back to the file is a second mapping of the first (mremap(2), "old_size 0").
 */
static void adopted(void) {
  const int fd = subject_file();
  struct nosigbus_region* adopted_region = NULL;
  void* const at = mmap(NULL, subject_size, PROT_READ, MAP_SHARED, fd, 0);
  EXPECT(at != MAP_FAILED && nosigbus_adopt(&adopted_region, at, subject_size, -1, 0) == 0);
  subject_cut(fd, subject_page);
  EXPECT(subject_sum(at) == subject_fill);
  subject_refill(fd);
  printf("refresh: %d\n", nosigbus_region_refresh(adopted_region));
}

/* A fault with nothing of the stack below it in use yet. */
static __attribute__((noinline)) void descend(int depth, void (*work)(void)) {
  volatile char room[1000];
  room[0] = 0;
  if (depth == 0) {
    work();
  } else {
    descend(depth - 1, work);
  }
  room[999] = room[0];
}
static const volatile unsigned char* g_missing;
static void read_missing(void) { EXPECT(*g_missing == 0); }
static void deep(void) {
  const int fd = subject_file();
  g_missing = (const volatile unsigned char*)nosigbus_region_data(map(fd)) + subject_page;
  for (int depth = 1; depth < 100; depth += 7) {
    const pid_t child = fork();
    int status = 0;
    if (child == 0) {
      subject_cut(fd, subject_page);
      descend(depth, read_missing);
      _exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    subject_refill(fd);
  }
}

static void* in_thread(void* work) {
  (*(void (**)(void))work)();
  return NULL;
}
static void run_in_thread(void (*work)(void)) {
  pthread_t thread;
  EXPECT(pthread_create(&thread, NULL, in_thread, &work) == 0);
  EXPECT(pthread_join(thread, NULL) == 0);
}
static void region_thread(void) { run_in_thread(region); }

static void* read_until_cut(void* memory) {
  while (subject_sum(memory) != subject_fill) {
  }
  return NULL;
}
/* Threads that read while it happens. Each ends when it has met the missing part. */
static void race(void) {
  pthread_t readers[4];
  const int fd = subject_file();
  void* const memory = nosigbus_region_data(map(fd));
  for (int i = 0; i < 4; ++i) EXPECT(pthread_create(&readers[i], NULL, read_until_cut, memory) == 0);
  subject_cut(fd, subject_page);
  for (int i = 0; i < 4; ++i) EXPECT(pthread_join(readers[i], NULL) == 0);
}

static void safe_read(void) {
  static unsigned char copy[subject_size];
  const volatile unsigned char* const memory = subject_foreign();
  memset(copy, 1, sizeof copy);
  EXPECT(nosigbus_safe_read(copy, (const void*)memory, sizeof copy) == subject_page);
  EXPECT(nosigbus_last_fault()->address == (uintptr_t)memory + subject_page);
  for (size_t i = 0; i < subject_size; ++i) EXPECT(copy[i] == (i < subject_page ? subject_fill : 0));
  EXPECT(nosigbus_safe_read(copy, (const void*)memory, subject_page) == subject_page);
}

static void guard(void) {
  size_t bad = 0;
  const volatile unsigned char* const memory = subject_foreign();
  EXPECT(guarded_sum((const void*)memory, subject_size, &bad) == -EFAULT && bad == subject_page);
  EXPECT(guarded_sum((const void*)memory, subject_page, &bad) == subject_page * subject_fill);
}

static int tracer(void) {
  int id = 0;
  char line[256];
  FILE* const status = fopen("/proc/self/status", "r");
  EXPECT(status != NULL);
  while (fgets(line, sizeof line, status) != NULL) sscanf(line, "TracerPid: %d", &id);
  fclose(status);
  return id;
}
/* The environment's SUBJECT_TRACER is a command that attaches to the process SUBJECT_PID. */
static void attached(void) {
  char id[16];
  const char* const command = getenv("SUBJECT_TRACER");
  EXPECT(command != NULL);
  snprintf(id, sizeof id, "%d", (int)getpid());
  setenv("SUBJECT_PID", id, 1);
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  if (fork() == 0) {
    execl("/bin/sh", "sh", "-c", command, (char*)NULL);
    _exit(127);
  }
  for (int i = 0; i < 6000 && tracer() == 0; ++i) usleep(10000);
  EXPECT(tracer() != 0);
  region();
  region_thread();
  race();
  safe_read();
  guard();
  EXPECT(tracer() != 0);
  puts("attached");
}

static void foreign(void) { printf("%u\n", subject_sum(subject_foreign())); }
static void foreign_thread(void) { run_in_thread(foreign); }

/* Not null, which UndefinedBehaviorSanitizer looks for by itself. */
static void wild(void) {
  volatile uintptr_t address = 8;
  printf("%d\n", *(const volatile char*)address);
}
static void wild_write(void) {
  volatile uintptr_t address = 8;
  *(volatile char*)address = 1;
}

static void sent(void) {
  kill(getpid(), SIGBUS);
  puts("survived");
}

static void check(void) { printf("check: %d\n", -nosigbus_check()); }

static void owner(void) {
  char text[64] = "";
  EXPECT(handlers_describe(SIGBUS, text, sizeof text) == 0);
  printf("SIGBUS: %s\n", text);
  EXPECT(handlers_describe(SIGSEGV, text, sizeof text) == 0);
  printf("SIGSEGV: %s\n", text);
}

static const struct subject_case g_cases[] = {
    {"region", region},   {"region-thread", region_thread},
    {"adopted", adopted}, {"deep", deep},
    {"race", race},       {"safe-read", safe_read},
    {"guard", guard},     {"attached", attached},
    {"foreign", foreign}, {"foreign-thread", foreign_thread},
    {"wild", wild},       {"wild-write", wild_write},
    {"sent", sent},       {"check", check},
    {"owner", owner},     {NULL, NULL},
};

void subject_run(const char* name, const struct subject_case* own) {
  const struct subject_case* found = subject_find(name, own);
  if (found == NULL) found = subject_find(name, g_cases);
  EXPECT(found != NULL);
  found->run();
}

/* Where the environment asks for it. */
static void give_alternate_stack(void) {
  static char room[1 << 16];
  const stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
  if (getenv("SUBJECT_ALTERNATE_STACK") != NULL) EXPECT(sigaltstack(&stack, NULL) == 0);
}

int subject_main(int argc, char** argv, const struct subject_case* own) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s MODE CASE\n", argv[0]);
    return 64;
  }
  give_alternate_stack();
  subject_start(argv[1]);
  subject_run(argv[2], own);
  return 0;
}
