/* SPDX-License-Identifier: MIT
 *
 * Who handles SIGBUS.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <handlers.h>
#include <nosigbus/runtime.h>
#include <signal.h>
#include <string.h>

#include "subject.h"

static struct sigaction g_below;

/* What a crash reporter does that keeps to the rules. */
static void hand_on(int signo, siginfo_t* info, void* context) { g_below.sa_sigaction(signo, info, context); }

static void start_none(void) {}
static void start_installed(void) { EXPECT(nosigbus_install(0) == 0); }
static void start_segv(void) { EXPECT(nosigbus_install(NOSIGBUS_CATCH_SEGV) == 0); }
static void start_own(void) { EXPECT(handlers_own() == 0); }
static void start_displaced(void) {
  start_installed();
  EXPECT(handlers_report_crashes() == 0);
  EXPECT(nosigbus_check() == -EBUSY);
}
static void start_rearmed(void) {
  start_displaced();
  EXPECT(nosigbus_rearm() == 0 && nosigbus_check() == 0);
}
static void start_other(void) {
  struct sigaction ours;
  sigaction(SIGBUS, NULL, &g_below);
  ours = g_below;
  ours.sa_sigaction = hand_on;
  EXPECT(sigaction(SIGBUS, &ours, NULL) == 0);
}
static void start_chaining(void) {
  start_installed();
  start_other();
  EXPECT(nosigbus_check() == -EBUSY);
}
static void start_circle(void) {
  start_chaining();
  EXPECT(nosigbus_rearm() == 0 && nosigbus_check() == 0);
}

static const struct subject_case g_modes[] = {
    {"none", start_none},   {"installed", start_installed}, {"segv", start_segv},
    {"own", start_own},     {"displaced", start_displaced}, {"rearmed", start_rearmed},
    {"other", start_other}, {"chaining", start_chaining},   {"circle", start_circle},
    {NULL, NULL},
};

const struct subject_case* subject_find(const char* name, const struct subject_case* among) {
  while (among != NULL && among->name != NULL && strcmp(among->name, name) != 0) ++among;
  return among != NULL && among->name != NULL ? among : NULL;
}

void subject_start(const char* mode) {
  const struct subject_case* const found = subject_find(mode, g_modes);
  EXPECT(found != NULL);
  found->run();
}
