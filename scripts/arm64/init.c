/* SPDX-License-Identifier: MIT
 *
 * Process 1 of the machine that scripts/test-arm64-kernels boots: runs every program in /tests with the
 * arguments in /arguments, one a line, says how each ended, and powers off. Everything goes to the console.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { seconds_per_program = 1800, max_arguments = 16, console_messages_off = 6 };

static char* arguments[max_arguments + 2];

static void read_arguments(void) {
  static char text[1024];
  FILE* const file = fopen("/arguments", "re");
  const size_t length = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
  text[length] = '\0';
  int count = 1;
  for (char* word = strtok(text, "\n"); word != NULL && count <= max_arguments; word = strtok(NULL, "\n")) {
    arguments[count++] = word;
  }
}

static void run(const char* name) {
  char path[300];
  snprintf(path, sizeof path, "/tests/%s", name);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    alarm(seconds_per_program);
    arguments[0] = path;
    execv(path, arguments);
    _exit(127);
  }
  int status = 0;
  /* Orphans of the program end here too. */
  while (waitpid(-1, &status, 0) != child) {
  }
  printf("\n@@ %s %d\n", name, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

int main(void) {
  mkdir("/tmp", 01777);
  mount("dev", "/dev", "devtmpfs", 0, NULL);
  mount("proc", "/proc", "proc", 0, NULL);
  mount("sys", "/sys", "sysfs", 0, NULL);
  const int console = open("/dev/console", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) dup2(console, fd);
  klogctl(console_messages_off, NULL, 0);
  setenv("PATH", "/", 1);
  setenv("TMPDIR", "/tmp", 1);
  setenv("LD_LIBRARY_PATH", "/lib", 1);
  setenv("NOSIGBUS_TEST_FAULTS", "20000", 1);
  setenv("NOSIGBUS_TEST_SAMPLING", "3", 1);
  setenv("NOSIGBUS_TEST_PATIENCE", "10", 1);
  chdir("/tmp");
  read_arguments();

  struct dirent** names;
  const int count = scandir("/tests", &names, NULL, alphasort);
  for (int i = 0; i < count; ++i) {
    if (names[i]->d_name[0] != '.') run(names[i]->d_name);
  }
  printf("\n@@ done, pages of %ld bytes\n", sysconf(_SC_PAGESIZE));
  fflush(stdout);
  sync();
  reboot(RB_POWER_OFF);
}
