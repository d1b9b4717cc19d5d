// SPDX-License-Identifier: MIT
//
// The linker maps its inputs one after the other, and reads them when it has them all: an input that is a
// FIFO keeps it waiting.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "victims.h"

namespace victims_test {

namespace {

// The FIFO's other end, once the linker waits there; -1 if it never does.
int open_when_read(const std::string& fifo, test::process& linker) {
  for (int i = 0; i < patience_milliseconds / 5 && !linker.ended(); ++i) {
    const int fd = open(fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) return fd;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return -1;
}

}  // namespace

scene play_lld(const stage& here) {
  const std::string object = here.write("object.o", content_of(OBJECT_FILE));
  const std::string fifo = here.path("fifo");
  scene result{{}, object};
  if (mkfifo(fifo.c_str(), 0600) != 0) result.complaint = "no FIFO";
  test::process linker(here.wrapped({"ld.lld", "-r", object, fifo, "-o", here.path("output")}),
                       here.destinations());
  const int end = open_when_read(fifo, linker);
  if (end < 0) result.complaint = "does not read its FIFO";
  cut(object, 4096);
  constexpr char script[] = "EXTERN(nothing)";
  if (end >= 0 && write(end, script, sizeof script - 1) < 0) result.complaint = "closes its FIFO";
  if (end >= 0) close(end);
  result.end = here.end_of(linker);
  return result;
}

}  // namespace victims_test
