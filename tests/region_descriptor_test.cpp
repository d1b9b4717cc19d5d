// SPDX-License-Identifier: MIT
//
// Descriptors that a region is given or keeps: those that refuse to be mapped, those whose number the program
// gives to something else, and threads that are cancelled while they are at them.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <nosigbus/events.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <nosigbus/nosigbus.hpp>
#include <thread>
#include <vector>

#include "support/child.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"
#include "support/region_fixture.h"
#include "support/sampling.h"
#include "support/shared_file.h"

using namespace test;

namespace {

const size_t page = page_size();

template <class Body>
void in_a_process(Body body) {
  CHECK(in_child(
            [&] {
              CHILD_CHECK(nosigbus_install(0) == 0);
              body();
              return 0;
            },
            60) == exited(0));
}

// A region of a file whose other descriptors are out of the way, the region's own closed, and its number, and
// some more, those of files with the letter S; or of a device, which is on another file system.
struct robbed {
  explicit robbed(bool by_device = false) : region(make_region(origin::mapped, file, 2 * page)) {
    CHILD_CHECK(fcntl(file.fd(), F_DUPFD, 100) == 100);
    CHILD_CHECK(close_range(3, 99, 0) == 0);
    const std::vector<char> letters(2 * page, 'S');
    for (int i = 0; i < 4; ++i) {
      const int fd = by_device ? open("/dev/zero", O_RDWR | O_CLOEXEC) : memfd_create("secret", MFD_CLOEXEC);
      CHILD_CHECK(write(fd, letters.data(), letters.size()) == static_cast<ssize_t>(letters.size()));
      secrets.push_back(fd);
    }
  }

  shared_file file{2 * page};
  nosigbus::region region;
  std::vector<int> secrets;
};

}  // namespace

TEST_CASE("a descriptor that refuses to be mapped leaves no hole for others to map into") {
  in_a_process([] {
    int ends[2];
    CHILD_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    std::atomic<bool> done{false};
    std::thread other([&] {
      while (!done) {
        auto* const own = static_cast<volatile unsigned char*>(
            mmap(nullptr, size_t{16} << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        own[0] = 1;
        for (int i = 0; i < 200; ++i) CHILD_CHECK(own[0] == 1);
        CHILD_CHECK(munmap(const_cast<unsigned char*>(own), size_t{16} << 20) == 0);
      }
    });
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(3000 / sampling());
    while (std::chrono::steady_clock::now() < end) {
      nosigbus_region* region;
      CHILD_CHECK(nosigbus_map(&region, ends[0], 0, size_t{64} << 20, PROT_READ, 0) == -ENODEV);
    }
    done = true;
    other.join();
  });
}

TEST_CASE("the number of a region's descriptor is another file's: the region never shows that" NO_QEMU(
    "the way back is a second mapping by mremap")) {
  for (const bool by_device : {false, true}) {
    CAPTURE(by_device);
    in_a_process([by_device] {
      robbed scene(by_device);
      CHILD_CHECK(ftruncate(100, 0) == 0);
      CHILD_CHECK(peek(scene.region, 0) == 0);
      CHILD_CHECK(scene.region.status().file_size == UINT64_MAX);
      CHILD_CHECK(scene.region.refresh() == 0);
      CHILD_CHECK(peek(scene.region, 0) == 0);
      CHILD_CHECK(!scene.region.status().sealed);
      CHILD_CHECK(ftruncate(100, static_cast<off_t>(2 * page)) == 0);
      const char byte = 'n';
      CHILD_CHECK(pwrite(100, &byte, 1, 0) == 1);
      CHILD_CHECK(scene.region.refresh() == 1);  // by its shadow
      CHILD_CHECK(peek(scene.region, 0) == 'n');
    });
  }
}

TEST_CASE("a release closes no descriptor of the program's") {
  for (const bool by_device : {false, true}) {
    CAPTURE(by_device);
    in_a_process([by_device] {
      robbed scene(by_device);
      scene.region.reset();
      for (const int fd : scene.secrets) CHILD_CHECK(fcntl(fd, F_GETFD) >= 0);
    });
  }
}

TEST_CASE("a thread that is cancelled holds nothing that others need" NO_TSAN("it defers cancellation")) {
  in_a_process([] {
    const shared_file file(page);
    nosigbus::region region = make_region(origin::mapped, file, page);
    CHILD_CHECK(nosigbus_event_fd() >= 0);
    pthread_t thread;
    const auto cancelled = [](void* to) -> void* {
      pthread_cancel(pthread_self());
      const auto nothing = [](const nosigbus_event*, void*) { return 0; };
      nosigbus_dispatch(nothing, nullptr);
      nosigbus_region* other;
      CHILD_CHECK(nosigbus_map(&other, static_cast<const shared_file*>(to)->fd(), 0, page, PROT_READ, 0) ==
                  0);
      nosigbus_region_release(other);
      return nullptr;
    };
    CHILD_CHECK(pthread_create(&thread, nullptr, cancelled, const_cast<shared_file*>(&file)) == 0);
    CHILD_CHECK(pthread_join(thread, nullptr) == 0);
    region.reset();
    CHILD_CHECK(nosigbus_uninstall() == 0);
  });
}
