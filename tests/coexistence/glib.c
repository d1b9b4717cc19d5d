/* SPDX-License-Identifier: MIT
 *
 * A program on GLib, with a main loop: mapped files, signals as sources, children.
 */
#include <errno.h>
#include <glib-unix.h>
#include <glib.h>
#include <nosigbus/copy.h>
#include <nosigbus/events.h>
#include <nosigbus/guard.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "subject.h"

static GMappedFile* map(int fd) {
  GMappedFile* const mapped = g_mapped_file_new_from_fd(fd, FALSE, NULL);
  EXPECT(mapped != NULL && g_mapped_file_get_length(mapped) == subject_size);
  return mapped;
}

static GMappedFile* map_cut(void) {
  const int fd = subject_file();
  GMappedFile* const mapped = map(fd);
  subject_cut(fd, subject_page);
  close(fd);
  return mapped;
}

/* GLib made the mapping, and GLib unmaps it. */
static void adopted(void) {
  const int fd = subject_file();
  GMappedFile* const mapped = map(fd);
  struct nosigbus_region* region = NULL;
  EXPECT(nosigbus_adopt(&region, g_mapped_file_get_contents(mapped), subject_size, fd, 0) == 0);
  subject_check_region(fd, region);
  subject_cut(fd, subject_page);
  GBytes* const bytes = g_mapped_file_get_bytes(mapped);
  gchar* const sum = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
  EXPECT(strlen(sum) == 64);
  g_free(sum);
  g_bytes_unref(bytes);
  EXPECT(nosigbus_region_release(region) == 0);
  g_mapped_file_unref(mapped);
}

static void mapped_read(void) {
  static unsigned char copy[subject_size];
  GMappedFile* const mapped = map_cut();
  EXPECT(nosigbus_safe_read(copy, g_mapped_file_get_contents(mapped), sizeof copy) == subject_page);
  g_mapped_file_unref(mapped);
}

static int validate(void* mapped) {
  return g_utf8_validate(g_mapped_file_get_contents(mapped), subject_size, NULL);
}
/* A function of GLib's, stopped in the middle. */
static void mapped_guard(void) {
  GMappedFile* const mapped = map_cut();
  struct nosigbus_fault fault;
  EXPECT(nosigbus_guard(validate, mapped, g_mapped_file_get_contents(mapped), subject_size, &fault) ==
         -EFAULT);
  EXPECT(fault.signo == SIGBUS);
  EXPECT(fault.address == (uintptr_t)g_mapped_file_get_contents(mapped) + subject_page);
  g_mapped_file_unref(mapped);
}

static void mapped_foreign(void) { printf("%d\n", validate(map_cut())); }

/* --- With a main loop. */

static GMainLoop* g_loop;

static gboolean quit(gpointer unused) {
  (void)unused;
  g_main_loop_quit(g_loop);
  return G_SOURCE_REMOVE;
}
static void run_loop(void) {
  g_timeout_add_seconds(60, (GSourceFunc)abort, NULL);
  g_main_loop_run(g_loop);
}

/* A signal as a source, which GLib's own handler wakes up. */
static void unix_signal(void) {
  g_loop = g_main_loop_new(NULL, FALSE);
  g_unix_signal_add(SIGUSR1, quit, NULL);
  kill(getpid(), SIGUSR1);
  run_loop();
  puts("dispatched");
}

static int count_event(const struct nosigbus_event* event, void* user) {
  EXPECT((event->what & NOSIGBUS_EVENT_FAULT) != 0 && event->offset == subject_page);
  ++*(int*)user;
  return 0;
}
static gboolean dispatch(gint fd, GIOCondition condition, gpointer user) {
  EXPECT(fd >= 0 && condition == G_IO_IN);
  EXPECT(nosigbus_dispatch(count_event, user) >= 0);
  if (*(int*)user == 0) return G_SOURCE_CONTINUE;
  return quit(NULL);
}
/* nosigbus's events as a source. */
static void events(void) {
  int count = 0;
  const int fd = subject_file();
  struct nosigbus_region* region = NULL;
  g_loop = g_main_loop_new(NULL, FALSE);
  EXPECT(nosigbus_map(&region, fd, 0, subject_size, PROT_READ, 0) == 0);
  g_unix_fd_add(nosigbus_event_fd(), G_IO_IN, dispatch, &count);
  subject_cut(fd, subject_page);
  EXPECT(subject_sum(nosigbus_region_data(region)) == subject_fill);
  run_loop();
  EXPECT(count == 1);
}

/* --- Children. */

static void child_ended(GPid pid, gint status, gpointer user) {
  *(gint*)user = status;
  g_spawn_close_pid(pid);
  g_main_loop_quit(g_loop);
}
/* Children have the default actions, and their deaths are told. */
static void spawn(void) {
  gchar* dies[] = {(gchar*)"/proc/self/exe", (gchar*)"none", (gchar*)"foreign", NULL};
  gchar* lives[] = {(gchar*)"/proc/self/exe", (gchar*)"installed", (gchar*)"region", NULL};
  gint status = 0;
  GPid pid = 0;
  EXPECT(g_spawn_sync(NULL, dies, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, NULL));
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
  EXPECT(g_spawn_sync(NULL, lives, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, NULL));
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  g_loop = g_main_loop_new(NULL, FALSE);
  EXPECT(g_spawn_async(NULL, dies, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL));
  g_child_watch_add(pid, child_ended, &status);
  run_loop();
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
  puts("told");
}

/* A message that is fatal traps. */
static void fatal(void) { g_error("the end"); }

static const struct subject_case g_own[] = {
    {"adopted", adopted},
    {"mapped-read", mapped_read},
    {"mapped-guard", mapped_guard},
    {"mapped-foreign", mapped_foreign},
    {"unix-signal", unix_signal},
    {"events", events},
    {"spawn", spawn},
    {"fatal", fatal},
    {NULL, NULL},
};

int main(int argc, char** argv) { return subject_main(argc, argv, g_own); }
