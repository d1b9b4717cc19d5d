// SPDX-License-Identifier: MIT
//
// What the other side may do besides, with a region or without: to the name, the locks, the seals and the
// content of its file, and to mappings of its own.
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <string>

#include "scene.h"
#include "support/small_filesystem.h"

using namespace test;

namespace {

const size_t page = page_size();

// Of a file on a file system, for the time of a lambda.
template <class Body>
void with_named_file(Body body) {
  if (!file_systems_can_be_mounted()) return;
  CHECK(in_child([&body] {
          const small_filesystem files(256);
          be_a_server();
          const int fd = open("/tmp/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
          CHILD_CHECK(fd >= 0);
          write_pattern(fd, 0, 4 * page);
          body(fd);
          return 0;
        }) == exited(0));
}

void cut_off_and_mend(nosigbus::region& region, int fd) {
  CHILD_CHECK(ftruncate(fd, static_cast<off_t>(page)) == 0);
  CHILD_CHECK(is_pattern(region, 0, page) && is_zero(region, page, 4 * page));
  write_pattern(fd, 0, 4 * page);
  CHILD_CHECK(region.refresh() == 1 && is_pattern(region, 0, 4 * page));
}

}  // namespace

TEST_CASE("a file whose name is another's is the one that was mapped") {
  with_named_file([](int fd) {
    nosigbus::region region = make_region(origin::mapped, fd, 0, 4 * page, PROT_READ, hardened);
    CHILD_CHECK(unlink("/tmp/file") == 0);
    const int other = open("/tmp/file", O_RDWR | O_CREAT, 0600);
    CHILD_CHECK(other >= 0);
    cut_off_and_mend(region, fd);
  });
}

TEST_CASE("locks and leases of the other side keep nobody waiting") {
  with_named_file([](int fd) {
    CHILD_CHECK(flock(fd, LOCK_EX) == 0);
    struct flock whole {};
    whole.l_type = F_WRLCK;
    CHILD_CHECK(fcntl(fd, F_OFD_SETLK, &whole) == 0);
    nosigbus::region region = make_region(origin::mapped, fd, 0, 4 * page, PROT_READ, hardened);
    cut_off_and_mend(region, fd);
  });
  with_named_file([](int fd) {
    const int mine = open("/tmp/file", O_RDONLY);
    close(fd);
    CHILD_CHECK(fcntl(mine, F_SETLEASE, F_RDLCK) == 0);
    const nosigbus::region region = make_region(origin::mapped, mine, 0, 4 * page, PROT_READ, hardened);
    CHILD_CHECK(is_pattern(region, 0, 4 * page));
  });
}

TEST_CASE("seals that come later are seen and believed for what lies within") {
  CHECK(in_child([] {
          be_a_server();
          shared_file file(4 * page, MFD_ALLOW_SEALING);
          nosigbus::region region = make_region(origin::mapped, file, 8 * page, PROT_READ, hardened);
          CHILD_CHECK(!region.status().sealed);
          CHILD_CHECK(fcntl(file.fd(), F_ADD_SEALS, F_SEAL_SHRINK) == 0);
          CHILD_CHECK(!region.status().sealed);  // it reaches beyond
          CHILD_CHECK(region.resize(4 * page) == 0);
          CHILD_CHECK(region.status().sealed);
          CHILD_CHECK(ftruncate(file.fd(), 0) == -1 && errno == EPERM);
          return 0;
        }) == exited(0));
}

TEST_CASE("what changes between two reads changes for who reads twice and not in a copy") {
  CHECK(in_child([] {
          be_a_server();
          shared_file file(page);
          file.draw();
          const nosigbus::region region = make_region(origin::mapped, file, page, PROT_READ, hardened);
          std::array<unsigned char, 8> copy;
          CHILD_CHECK(nosigbus_safe_read(copy.data(), region.data(), copy.size()) == copy.size());
          const unsigned char first = peek(region, 0);
          const unsigned char other = static_cast<unsigned char>(first + 1);
          CHILD_CHECK(pwrite(file.fd(), &other, 1, 0) == 1);
          CHILD_CHECK(peek(region, 0) == other && copy[0] == first);
          return 0;
        }) == exited(0));
}

TEST_CASE("another mapping of the same file that nobody guards kills as ever") {
  CHECK(in_child([] {
          be_a_server();
          shared_file file(4 * page);
          const nosigbus::region region = make_region(origin::mapped, file, 4 * page, PROT_READ, hardened);
          const volatile unsigned char* const plain = file.map(4 * page);
          file.resize(0);
          CHILD_CHECK(peek(region, 0) == 0);
          return static_cast<int>(plain[0]);
        }) == killed_by(SIGBUS));
}

TEST_CASE("who answers for missing pages of his own mapping does not answer for those of others") {
  const auto attack = [](bool& possible) {
    shared_file file(0);
    file.resize(4 * page);
    unsigned char* const theirs = file.map(4 * page, PROT_READ | PROT_WRITE);
    const int fd = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
    uffdio_api api{};
    api.api = UFFD_API;
    uffdio_register range{};
    range.range = {reinterpret_cast<uintptr_t>(theirs), 4 * page};
    range.mode = UFFDIO_REGISTER_MODE_MISSING;
    possible = fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0 && ioctl(fd, UFFDIO_REGISTER, &range) == 0;
    if (!possible) return;
    const nosigbus::region region = make_region(origin::mapped, file, 4 * page, PROT_READ, hardened);
    CHILD_CHECK(is_zero(region, 0, 4 * page));
    file.resize(0);
    CHILD_CHECK(is_zero(region, 0, 4 * page));
  };
  const outcome found = in_child([&attack] {
    be_a_server();
    bool possible = false;
    attack(possible);
    return possible ? 0 : 77;
  });
  if (found == exited(77)) {
    MESSAGE("skipped: no userfaultfd here");
    return;
  }
  CHECK(found == exited(0));
}

TEST_CASE("each event of a client that goes on carries the count of its faults") {
  CHECK(in_child([] {
          be_a_server();
          shared_file file(4 * page);
          nosigbus::region region = make_region(origin::mapped, file, 4 * page, PROT_READ, hardened);
          for (uint64_t count = 1; count <= 10; ++count) {
            file.resize(0);
            peek(region, 0);
            const auto events = dispatch_all();
            CHILD_CHECK(events.size() == 1 && events[0].count == count);
            file.resize(4 * page);
            CHILD_CHECK(region.refresh() == 1);
          }
          return 0;
        }) == exited(0));
}
