/* SPDX-License-Identifier: MIT
 *
 * Process 1 of the machines that scripts/test-*-kernels and scripts/test-avx512 boot: shows the processor,
 * runs every program in /tests with the arguments in /arguments and the variables in /environment, one a
 * line, says how each ended, and powers off. Everything goes to the console.
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
#include <termios.h>
#include <unistd.h>

enum { seconds_per_program = 1800, max_lines = 16, console_messages_off = 6 };

static char* arguments[max_lines + 2];

/* The lines of a file, at most max_lines of them, and a null pointer. What they point to stays. */
static void read_lines(const char* path, char** lines) {
  char* const text = calloc(1024, 1);
  FILE* const file = fopen(path, "re");
  if (file != NULL) {
    text[fread(text, 1, 1023, file)] = '\0';
    fclose(file);
  }
  int count = 0;
  for (char* line = strtok(text, "\n"); line != NULL && count < max_lines; line = strtok(NULL, "\n")) {
    lines[count++] = line;
  }
  lines[count] = NULL;
}

static void show(const char* path) {
  char line[4096];
  FILE* const file = fopen(path, "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) fputs(line, stdout);
  if (file != NULL) fclose(file);
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
  mkdir("/dev/shm", 01777);
  mount("proc", "/proc", "proc", 0, NULL);
  mount("sys", "/sys", "sysfs", 0, NULL);
  mount("none", "/sys/fs/cgroup", "cgroup2", 0, NULL);
  const int console = open("/dev/console", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) dup2(console, fd);
  klogctl(console_messages_off, NULL, 0);
  setenv("PATH", "/", 1);
  setenv("TMPDIR", "/tmp", 1);
  setenv("LD_LIBRARY_PATH", "/lib", 1);
  chdir("/tmp");
  char* variables[max_lines + 1];
  read_lines("/environment", variables);
  for (char** variable = variables; *variable != NULL; ++variable) putenv(*variable);
  read_lines("/arguments", arguments + 1);
  show("/proc/cpuinfo");

  struct dirent** names;
  const int count = scandir("/tests", &names, NULL, alphasort);
  for (int i = 0; i < count; ++i) {
    if (names[i]->d_name[0] != '.') run(names[i]->d_name);
  }
  printf("\n@@ done, pages of %ld bytes\n", sysconf(_SC_PAGESIZE));
  fflush(stdout);
  tcdrain(STDOUT_FILENO);
  sync();
  reboot(RB_POWER_OFF);
}
