// SPDX-License-Identifier: MIT
//
// What the other side can cost by what it sends: descriptors of anything, numbers of any size, and many of
// them.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include <cstring>
#include <string>
#include <vector>

#include "scene.h"

using namespace test;

namespace {

const size_t page = page_size();

struct offer {
  const char* name;
  int (*make)();
};

int one_of_two(int (*make)(int*)) {
  int ends[2];
  CHILD_CHECK(make(ends) == 0);
  close(ends[1]);
  return ends[0];
}

const offer offers[] = {
    {"a pipe", [] { return one_of_two([](int* ends) { return pipe(ends); }); }},
    {"a socket",
     [] { return one_of_two([](int* ends) { return socketpair(AF_UNIX, SOCK_STREAM, 0, ends); }); }},
    {"a directory", [] { return open("/", O_RDONLY | O_DIRECTORY); }},
    {"a path", [] { return open("/proc/self/exe", O_PATH); }},
    {"a file of /proc", [] { return open("/proc/self/maps", O_RDONLY); }},
    {"a file of /sys", [] { return open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY); }},
    {"/dev/null", [] { return open("/dev/null", O_RDWR); }},
    {"/dev/zero", [] { return open("/dev/zero", O_RDWR); }},
    {"/dev/full", [] { return open("/dev/full", O_RDWR); }},
    {"a terminal", [] { return open("/dev/ptmx", O_RDWR | O_NOCTTY); }},
    {"an eventfd", [] { return eventfd(0, 0); }},
    {"a timer", [] { return timerfd_create(CLOCK_MONOTONIC, 0); }},
    {"an epoll instance", [] { return epoll_create1(0); }},
    {"an inotify instance", [] { return inotify_init1(0); }},
    {"a signalfd",
     [] {
       sigset_t none;
       sigemptyset(&none);
       return signalfd(-1, &none, 0);
     }},
    {"a process", [] { return static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)); }},
    {"a memory file that cannot be read",
     [] {
       const shared_file file(page);
       return open(("/proc/self/fd/" + std::to_string(file.fd())).c_str(), O_WRONLY);
     }},
    {"a userfaultfd", [] { return static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK)); }},
};

// Where the kernel maps it, it is a region, and no worse one than any.
void take(const meter& meter, const offer& what) {
  const int fd = what.make();
  CHILD_CHECK(fd >= 0);
  nosigbus_region* region = nullptr;
  meter.begin();
  const int error = nosigbus_map(&region, fd, 0, page, PROT_READ, hardened);
  if (error == 0) {
    const volatile char byte = *static_cast<const char*>(nosigbus_region_data(region));
    static_cast<void>(byte);
    CHILD_CHECK(nosigbus_region_release(region) == 0);
  } else {
    CHILD_CHECK(region == nullptr);
  }
  meter.counted() = dispatched();
  meter.end();
  close(fd);
}

}  // namespace

TEST_CASE("descriptors of anything are mapped or refused and leave nothing behind") {
  measured worst;
  worst.how = exited(0);
  for (const offer& what : offers) {
    CAPTURE(std::string(what.name));
    const outcome there = in_child([&what] { return what.make() >= 0 ? 0 : 1; });
    if (there != exited(0)) {
      MESSAGE("not to be had here: ", std::string(what.name));
      continue;
    }
    const measured found = measure([&what](const meter& meter) {
      be_a_server();
      take(meter, what);
    });
    CHECK(found.how == exited(0));
    worst = worse(worst, found);
  }
  enter("sends a descriptor of another kind, the worst of 18 (below)", worst,
        {.page_faults = few, .calls = 30});
}

TEST_CASE("numbers that do not fit cost no system call") {
  const measured found = measure([](const meter& meter) {
    be_a_server();
    const shared_file file(page);
    nosigbus::region whole = make_region(origin::mapped, file, page, PROT_READ, hardened);
    const off_t last = INT64_MAX & -static_cast<off_t>(page);
    nosigbus_region* region = nullptr;
    int refused = 0;
    meter.begin();
    for (const off_t offset : {off_t{-1}, off_t{1}, INT64_MIN, -static_cast<off_t>(page)}) {
      refused += nosigbus_map(&region, file.fd(), offset, page, PROT_READ, hardened) == -EINVAL;
    }
    refused += nosigbus_map(&region, file.fd(), 0, 0, PROT_READ, hardened) == -EINVAL;
    for (const size_t length : {SIZE_MAX, SIZE_MAX - page + 1, size_t{1} << 63}) {
      refused += nosigbus_map(&region, file.fd(), 0, length, PROT_READ, hardened) == -EOVERFLOW;
    }
    refused += nosigbus_map(&region, file.fd(), last, 2 * page, PROT_READ, hardened) == -EOVERFLOW;
    refused += nosigbus_adopt(&region, whole.data(), SIZE_MAX, -1, hardened) == -EINVAL;
    for (const size_t at : {page + 1, SIZE_MAX, SIZE_MAX - 1}) {
      refused += nosigbus_region_prefault(whole.get(), at, 2) == -EINVAL;
      refused += nosigbus_region_prefault(whole.get(), 1, at) == -EINVAL;
    }
    meter.end();
    CHILD_CHECK(refused == 16 && region == nullptr);
    for (const size_t length : {SIZE_MAX, SIZE_MAX - page + 1, size_t{1} << 63}) {
      CHILD_CHECK(nosigbus_region_resize(whole.get(), length) == -EOVERFLOW);
      CHILD_CHECK(whole.size() == page);
    }
  });
  // adopt asks what is mapped there before it knows how long it is: open, ioctl, close.
  enter("names 16 offsets and lengths that wrap, are negative or reach beyond everything", found,
        {.calls = 3});
}

TEST_CASE("the first region costs more than others and once") {
  const measured found = measure([](const meter& meter) {
    enter_by(entry::installed);
    shared_file file(page);
    meter.begin();
    const nosigbus::region region = make_region(origin::mapped, file, page, PROT_READ, hardened);
    file.resize(0);
    peek(region, 0);
    meter.end();
  });
  enter("is the first one ever to have a region made, and cuts it off", found,
        {.signals = 1,
         .page_faults = 100,
         .calls = 40,
         .calls_at_most = 12,
         .mappings = 6,
         .descriptors = 1,
         .memory = 320});
}

TEST_CASE("a file that changes in front of each system call of map is mapped or refused") {
  shared_file file(16 * page);
  size_t turn = 0;
  const adversary restless = [&file, &turn](long) { file.resize(turn++ % 3 * 8 * page); };
  const measured found = measure(
      [&file](const meter& meter) {
        be_a_server();
        meter.begin();
        for (int i = 0; i < 100; ++i) {
          nosigbus::region region = make_region(origin::mapped, file, 16 * page, PROT_READ, hardened);
          read_pages(region, 0, 16 * page);
          region.reset();
        }
        meter.counted() = dispatched();
        meter.end();
      },
      restless);
  enter(
      "changes the size in front of each system call, while 100 regions of 16 pages are made, read and "
      "released",
      found, {.signals = 200, .page_faults = 16 * 100 + few, .calls = 5000, .calls_at_most = 90});
}

TEST_CASE("many files cost their share each and nothing is left of them") {
  constexpr size_t files = 200;
  const auto map_all = [](int fd, std::vector<nosigbus::region>& regions) {
    while (regions.size() < files) {
      regions.push_back(make_region(origin::mapped, fd, 0, 16 * page, PROT_READ, hardened));
    }
  };
  for (const bool released : {false, true}) {
    const measured found = measure([map_all, released](const meter& meter) {
      be_a_server();
      shared_file file(16 * page);
      std::vector<nosigbus::region> regions;
      regions.reserve(files);
      if (released) {
        map_all(file.fd(), regions);
        regions.clear();
      }
      meter.begin();
      for (int round = 0; round < (released ? 3 : 1); ++round) {
        regions.clear();
        map_all(file.fd(), regions);
        file.resize(0);
        for (const nosigbus::region& region : regions) peek(region, 5 * page);
        meter.counted() = dispatched();
        file.resize(16 * page);
      }
      if (released) regions.clear();
      meter.end();
    });
    const uint64_t rounds = released ? 3 : 1;
    const long left = released ? 0 : static_cast<long>(files);
    enter(released ? "has 200 regions made, cut off, read and released, 3 times, after a first time"
                   : "has 200 regions made of a file, which is cut off; one page of each is read",
          found,
          {.signals = files * rounds,
           .page_faults = 2 * files * rounds + few,
           .calls = 30 * files * rounds,
           .calls_at_most = 12,
           .mappings = 2 * left + 4,
           .descriptors = left,
           .memory = released ? 32 : 1200,
           .events = files});
  }
}

TEST_CASE("many files leave half of the descriptors to the program") {
  constexpr rlim_t limit = 256;
  const measured found = measure([](const meter& meter) {
    be_a_server();
    const rlimit half_used{limit, limit};
    CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &half_used) == 0);
    const shared_file file(page);
    std::vector<nosigbus::region> regions;
    regions.reserve(1000);
    meter.begin();
    while (regions.size() < 1000)
      regions.push_back(make_region(origin::mapped, file, page, PROT_READ, hardened));
    meter.end();
  });
  enter("has 1000 regions made where 256 descriptors may be open", found,
        {.page_faults = 1000, .calls = 10000, .mappings = 1010, .descriptors = limit / 2, .memory = 1200});
}
