// SPDX-License-Identifier: MIT
//
// Files whose other side decides when it answers: nothing that asks them is protected from that.
#include <fcntl.h>

#include <string>

#include "scene.h"
#include "stalling_filesystem.h"

using namespace test;

namespace {

const size_t page = page_size();

bool skipped() {
  if (stalling_filesystem::can_be_mounted()) return false;
  MESSAGE("skipped: FUSE cannot be mounted here");
  return true;
}

struct question {
  const char* name;
  void (*ask)(nosigbus::region& region, int fd);
};
const question questions[] = {
    {"a read", [](nosigbus::region& region, int) { peek(region, 0); }},
    {"safe_read",
     [](nosigbus::region& region, int) {
       char byte;
       nosigbus_safe_read(&byte, region.data(), 1);
     }},
    {"prefault", [](nosigbus::region& region, int) { nosigbus_region_prefault(region.get(), 0, page); }},
    {"map",
     [](nosigbus::region&, int fd) {
       nosigbus_region* region;
       nosigbus_map(&region, fd, 0, page, PROT_READ, hardened);
     }},
    {"status", [](nosigbus::region& region, int) { region.status(); }},
    {"refresh", [](nosigbus::region& region, int) { region.refresh(); }},
    {"release", [](nosigbus::region& region, int) { region.reset(); }},
    {"dispatch", [](nosigbus::region&, int) { dispatched(); }},
};

int wait_for_an_answer(const question& asked, stalling_filesystem& files) {
  be_a_server();
  const int fd = files.open_file();
  nosigbus::region region = make_region(origin::mapped, fd, 0, 4 * page, PROT_READ, hardened);
  CHILD_CHECK(ftruncate(fd, static_cast<off_t>(2 * page)) == 0);
  files.stop_answering();
  asked.ask(region, fd);
  return 0;
}

}  // namespace

TEST_CASE("a file system that does not answer keeps whoever asks it waiting") {
  if (skipped()) return;
  for (const question& asked : questions) {
    CAPTURE(asked.name);
    const auto stall = [&asked] {
      stalling_filesystem files;
      const pid_t victim = fork();
      if (victim == 0) _exit(wait_for_an_answer(asked, files));
      files.wait_for_victim();
      CHILD_CHECK(waitpid(victim, nullptr, WNOHANG) == 0);
      // Once the question has been read, not even this ends it before there is an answer.
      kill(victim, SIGKILL);
      files.end();
      CHILD_CHECK(wait_for(victim, 10) == killed_by(SIGKILL));
      return 0;
    };
    CHECK(in_child(stall) == exited(0));
  }
}

TEST_CASE("files in memory are told from those of a file system that may not answer without asking it") {
  const shared_file memory(page);
  CHECK(fcntl(memory.fd(), F_GET_SEALS) >= 0);
  const int disk = open("/proc/self/exe", O_RDONLY);
  CHECK(fcntl(disk, F_GET_SEALS) == -1);
  close(disk);
  if (skipped()) return;
  CHECK(in_child([] {
          stalling_filesystem files;
          const int fd = files.open_file();
          files.stop_answering();
          const uint64_t before = files.requests();
          CHILD_CHECK(fcntl(fd, F_GET_SEALS) == -1 && errno == EINVAL);
          CHILD_CHECK(files.requests() == before);
          files.end();
          return 0;
        }) == exited(0));
}
