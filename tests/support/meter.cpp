// SPDX-License-Identifier: MIT
#include "meter.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "file_kind.h"
#include "shared_file.h"
#include "traced.h"

namespace test {

namespace {

// The number behind a word in a file of /proc; 0 without.
long number_in(const char* path, const char* word) {
  char text[8192];
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  text[got > 0 ? got : 0] = '\0';
  const char* const found = strstr(text, word);
  return found == nullptr ? 0 : strtol(found + strlen(word), nullptr, 10);
}

uint64_t page_faults_so_far() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_minflt + usage.ru_majflt);
}

// Twice at the beginning: the first time takes memory itself.
void read_levels(cost& out, long sign) {
  out.mappings += sign * static_cast<long>(count_vmas());
  out.descriptors += sign * static_cast<long>(count_descriptors());
  out.memory += sign * number_in("/proc/self/smaps_rollup", "\nAnonymous:");
  out.page_tables += sign * number_in("/proc/self/status", "\nVmPTE:");
}

}  // namespace

void meter::begin() const {
  cost ignored;
  read_levels(ignored, -1);
  read_levels(*out_, -1);
  out_->page_faults = page_faults_so_far();
  syscall(mark);
}

void meter::end() const {
  syscall(mark);
  out_->page_faults = page_faults_so_far() - out_->page_faults;
  read_levels(*out_, 1);
  out_->levels_known = true;
}

measured measure(const std::function<void(const meter&)>& body, const adversary& other) {
  void* const shared = mmap(nullptr, sizeof(cost), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) abort();
  cost* const levels = new (shared) cost;
  measured all;
  const long uncounted = mappings_are_told() ? -1 : SYS_read;
  {
    traced child([&] {
      body(meter(levels));
      return 0;
    });
    bool counting = false, in_handler = false;
    uint64_t of_handler = 0;
    for (auto at = child.go_to_call(); at != traced::stop::end; at = child.go_to_call()) {
      if (at == traced::stop::signal) {
        if (!counting || (child.signo() != SIGBUS && child.signo() != SIGSEGV)) continue;
        ++all.signals;
        in_handler = true;
        of_handler = 0;
      } else if (child.call() == mark) {
        counting = !counting;
      } else if (counting && child.call() >= 0 && child.call() != uncounted) {
        ++all.calls;
        if (other) other(child.call());
        if (in_handler && ++of_handler > all.calls_at_most) all.calls_at_most = of_handler;
        if (child.call() == SYS_rt_sigreturn) in_handler = false;
      }
    }
    all.how = child.how();
  }
  all.levels_known = levels->levels_known;
  all.page_faults = levels->page_faults;
  all.mappings = levels->mappings;
  all.descriptors = levels->descriptors;
  all.memory = levels->memory;
  all.page_tables = levels->page_tables;
  all.counted = levels->counted;
  munmap(shared, sizeof(cost));
  return all;
}

}  // namespace test
