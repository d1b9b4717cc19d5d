// SPDX-License-Identifier: MIT
//
// Events and the process: its children, its descriptors, its threads.
#include <nosigbus/events.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <thread>
#include <vector>

#include "support/each_entry.h"
#include "support/event_fixture.h"
#include "support/no_qemu.h"

using namespace test;

namespace {

const size_t page = page_size();

// One of this process that stands for what the kernel calls so.
int descriptor_named(const char* name) {
  for (int fd = 0; fd < 100; ++fd) {
    char path[32], target[64] = {};
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (readlink(path, target, sizeof target - 1) > 0 && strcmp(target, name) == 0) return fd;
  }
  return -1;
}

bool is_pipe_to_write_to(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode) && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
}

}  // namespace

TEST_CASE("a child of fork has events of its own and its parent keeps its own" NO_QEMU("no WIPEONFORK")) {
  in_each_entry(exited(0), [] {
    const int fd = listen();
    shared_file file(2 * page);
    const nosigbus::region region = without_watch(file, 2 * page);
    file.resize(page);
    CHILD_CHECK(peek(region, page) == 0);
    CHILD_CHECK(in_child([&] {
                  CHILD_CHECK(nosigbus_dispatch([](const nosigbus_event*, void*) { return 0; }, nullptr) ==
                              0);
                  file.resize(0);
                  CHILD_CHECK(peek(region, 0) == 0);
                  const int own = listen();
                  CHILD_CHECK(readable(own));
                  CHILD_CHECK(dispatch_all().size() == 1);
                  CHILD_CHECK(!readable(own));
                  return 0;
                }) == exited(0));
    CHILD_CHECK(readable(fd));
    CHILD_CHECK(dispatch_all().size() == 1);
    CHILD_CHECK(!readable(fd));
  });
}

TEST_CASE("a program that closes all descriptors is not written to, and may listen again") {
  in_each_entry(exited(0), [] {
    const int fd = listen();
    shared_file file(2 * page);
    const nosigbus::region region = without_watch(file, 2 * page);
    // A file of the program's own under each number that the library had.
    const shared_file own(16);
    for (int number = 3; number < fd + 5; ++number) {
      if (number != own.fd() && number != file.fd()) dup2(own.fd(), number);
    }
    file.resize(page);
    CHILD_CHECK(peek(region, page) == 0);
    char content[16];
    CHILD_CHECK(lseek(own.fd(), 0, SEEK_CUR) == 0);
    CHILD_CHECK(pread(own.fd(), content, sizeof content, 0) == sizeof content);
    for (size_t i = 0; i < sizeof content; ++i) {
      CHILD_CHECK(static_cast<unsigned char>(content[i]) == pattern(i));
    }
    CHILD_CHECK(nosigbus_dispatch([](const nosigbus_event*, void*) { return 0; }, nullptr) == -EBADF);
    CHILD_CHECK(lseek(own.fd(), 0, SEEK_CUR) == 0);
    const int again = nosigbus::event_fd();
    CHILD_CHECK(again > fd);
    CHILD_CHECK(readable(again));
    CHILD_CHECK(dispatch_all().size() == 1);
  });
}

TEST_CASE("a program that takes the number of the descriptor that watches files keeps it for itself") {
  for (const bool watches_too : {false, true}) {
    CAPTURE(watches_too);
    in_each_entry(exited(0), [watches_too] {
      listen();
      shared_file file(2 * page), other(page);
      nosigbus::region region = make_region(origin::mapped, file, 2 * page);
      const int taken = descriptor_named("anon_inode:inotify");
      const int own = watches_too ? inotify_init1(IN_NONBLOCK) : eventfd(0, 0);
      CHILD_CHECK(dup2(own, taken) == taken);
      char path[32];
      snprintf(path, sizeof path, "/proc/self/fd/%d", other.fd());
      const int watch = watches_too ? inotify_add_watch(own, path, IN_MODIFY) : 0;
      other.resize(0);
      file.resize(page);
      CHILD_CHECK(peek(region, page) == 0);
      CHILD_CHECK(dispatch_all().size() == 1);
      region = make_region(origin::mapped, file, 2 * page);
      region = {};
      inotify_event event{};
      if (watches_too) {
        CHILD_CHECK(read(taken, &event, sizeof event) == sizeof event);
        CHILD_CHECK(event.wd == watch);
        CHILD_CHECK(inotify_rm_watch(own, watch) == 0);
      }
    });
  }
}

TEST_CASE("no fault goes untold, while many threads fault and others dispatch") {
  in_each_entry(
      exited(0),
      [] {
        const int fd = listen();
        constexpr int threads = 3;
        std::atomic<bool> stop{false};
        std::vector<std::thread> readers;
        std::vector<nosigbus::region> regions;
        std::vector<std::unique_ptr<shared_file>> files;
        for (int i = 0; i < threads; ++i) {
          files.push_back(std::make_unique<shared_file>(page));
          regions.push_back(make_region(origin::mapped, *files.back(), page));
        }
        for (size_t i = 0; i < threads; ++i) {
          readers.emplace_back([&, i] {
            while (!stop) {
              files[i]->resize(0);
              CHILD_CHECK(peek(regions[i], 0) == 0);
              files[i]->resize(page);
              regions[i].refresh();
              // Regions that come and go beside them.
              nosigbus::region brief = make_region(origin::mapped, *files[i], page);
            }
          });
        }
        std::map<const nosigbus_region*, uint64_t> told;
        const auto tell = [&](const nosigbus::event& event) {
          for (const auto& region : regions) {
            if (region.get() == event.region) told[event.region] = event.count;
          }
        };
        for (int i = 0; i < 20000; ++i) {
          if (readable(fd, 100)) nosigbus::dispatch(tell);
        }
        stop = true;
        for (std::thread& reader : readers) reader.join();
        // Now all is quiet: what has not been told makes the descriptor readable.
        while (readable(fd)) nosigbus::dispatch(tell);
        for (const auto& region : regions) {
          CHILD_CHECK(told[region.get()] == region.status().faults);
          CHILD_CHECK(region.status().faults > 100);
        }
      },
      60);
}

TEST_CASE("the number of the bell is another pipe's: nothing is written there and nothing is lost") {
  in_each_entry(exited(0), [] {
    for (int fd = 3; fd < 100; ++fd) close(fd);
    listen();
    shared_file file(page);
    const nosigbus::region region = without_watch(file, page);
    int bells = 0, ends[2];
    CHILD_CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    for (int fd = 3; fd < 100; ++fd) {
      if (fd == ends[1] || !is_pipe_to_write_to(fd)) continue;
      CHILD_CHECK(dup2(ends[1], fd) == fd);
      ++bells;
    }
    CHILD_CHECK(bells == 1);
    file.resize(0);
    CHILD_CHECK(peek(region, 0) == 0);
    CHILD_CHECK(!readable(ends[0]));
    CHILD_CHECK(dispatch_all().size() == 1);
  });
}
