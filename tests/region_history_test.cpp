// SPDX-License-Identifier: MIT
//
// Regions over mappings that have a history: locked, changed by mprotect, overlaid before, put together from
// pieces, forked in the middle of a change.
#include <nosigbus/copy.h>
#include <nosigbus/extable.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "support/each_entry.h"
#include "support/no_qemu.h"
#include "support/region_fixture.h"
#include "support/sampling.h"

using namespace test;

namespace {

const size_t page = page_size();

nosigbus::region adopt(void* address, size_t length, int fd, unsigned flags = 0) {
  auto result = nosigbus::region::adopt(address, length, fd, flags);
  CHILD_CHECK(result);
  return *std::move(result);
}

int adopt_error(void* address, size_t length, int fd, unsigned flags = 0) {
  return nosigbus::region::adopt(address, length, fd, flags).error();
}

// Cuts the file off, touches the region, writes the file anew, so that it never has a zero of its own, and
// heals the region; over and over, until it is destroyed.
class restless {
 public:
  restless(const shared_file& file, nosigbus::region& region)
      : thread_([this, &file, &region] {
          std::vector<unsigned char> bytes(file.size());
          for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern(i);
          while (!stop_) {
            CHILD_CHECK(ftruncate(file.fd(), 0) == 0);
            peek(region, 0);
            CHILD_CHECK(pwrite(file.fd(), bytes.data(), bytes.size(), 0) ==
                        static_cast<ssize_t>(bytes.size()));
            while (region.refresh() != 1) {
            }
          }
        }) {}
  ~restless() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace

TEST_CASE("a locked mapping that was adopted without descriptor keeps what is left of its file" NO_QEMU(
    "mappings cannot be duplicated")) {
  in_each_entry(exited(0), [] {
    shared_file file(16 * page);
    unsigned char* const mapping = file.map(16 * page, PROT_READ | PROT_WRITE);
    CHILD_CHECK(mlock(mapping, 16 * page) == 0);
    nosigbus::region region = adopt(mapping, 16 * page, -1);
    file.resize(8 * page);
    CHILD_CHECK(peek(region, 12 * page) == 0);
    CHILD_CHECK(is_pattern(region, 0, 8 * page));
    file.resize(12 * page);
    file.draw();
    CHILD_CHECK(region.refresh() == 0);
    CHILD_CHECK(is_pattern(region, 0, 12 * page));
    file.resize(16 * page);
    file.draw();
    CHILD_CHECK(region.refresh() == 1);
    CHILD_CHECK(is_pattern(region, 0, 16 * page));
  });
}

TEST_CASE("refresh gives back the protection that the range has now" NO_QEMU("no page can be asked about")) {
  for (const origin from : origins) {
    if (from == origin::adopted_without_fd && !mappings_can_be_duplicated()) continue;
    CAPTURE(static_cast<int>(from));
    in_each_entry(exited(0), [from] {
      shared_file file(8 * page);
      nosigbus::region region = make_region(from, file, 8 * page, PROT_READ, NOSIGBUS_DISCARD_WRITES);
      CHILD_CHECK(mprotect(region.data(), 8 * page, PROT_READ | PROT_WRITE) == 0);
      file.resize(4 * page);
      poke(region, 6 * page, 1);
      file.resize(8 * page);
      CHILD_CHECK(region.refresh() == 1);
      poke(region, 6 * page, 2);  // into the file
      unsigned char byte = 0;
      CHILD_CHECK(pread(file.fd(), &byte, 1, static_cast<off_t>(6 * page)) == 1 && byte == 2);
    });
  }
}

TEST_CASE("an overlay that an earlier region left behind is told by refresh") {
  for (const bool with_fd : {false, true}) {
    CAPTURE(with_fd);
    in_each_entry(exited(0), [with_fd] {
      shared_file file(8 * page);
      unsigned char* const mapping = file.map(8 * page);
      {
        const nosigbus::region first = adopt(mapping, 8 * page, -1);
        file.resize(4 * page);
        CHILD_CHECK(peek(first, 6 * page) == 0);
      }
      file.resize(8 * page);
      file.draw();
      nosigbus::region second = adopt(mapping, 8 * page, with_fd ? file.fd() : -1);
      CHILD_CHECK(second.refresh() == -ENOTSUP);
      CHILD_CHECK(peek(second, 0) == pattern(0));
      CHILD_CHECK(peek(second, 6 * page) == 0);
    });
  }
}

TEST_CASE("a range that is no one row of one file's pages is not adopted") {
  in_each_entry(exited(0), [] {
    const shared_file file(8 * page), other(8 * page);
    unsigned char* const base = file.map(16 * page, PROT_READ, MAP_SHARED);
    const auto put = [&](size_t at, const shared_file& from, size_t offset) {
      CHILD_CHECK(mmap(base + at, 8 * page, PROT_READ, MAP_SHARED | MAP_FIXED, from.fd(),
                       static_cast<off_t>(offset)) != MAP_FAILED);
    };
    put(8 * page, file, 0);  // a mirrored ring
    CHILD_CHECK(adopt_error(base, 16 * page, file.fd()) == -EINVAL);
    put(8 * page, other, 8 * page);
    CHILD_CHECK(adopt_error(base, 16 * page, file.fd()) == -EINVAL);
    put(8 * page, file, 8 * page);  // in a row again
    CHILD_CHECK(adopt_error(base, 16 * page, file.fd()) == 0);
  });
}

TEST_CASE("a region that could not be adopted leaves no handler at work on it") {
  in_each_entry(
      exited(0),
      [] {
        constexpr size_t pages = 400;
        shared_file missing(pages * page);
        unsigned char* const mapping = missing.map(pages * page, PROT_READ);
        const nosigbus::region last = adopt(mapping + (pages - 1) * page, page, missing.fd());
        missing.resize(0);
        std::atomic<bool> stop{false};
        std::thread reader([&] {
          while (!stop) {
            CHILD_CHECK(mmap(mapping, page, PROT_READ, MAP_SHARED | MAP_FIXED, missing.fd(), 0) == mapping);
            unsigned char byte;
            nosigbus_safe_read(&byte, mapping, 1);
          }
        });
        const shared_file whole(page);
        for (size_t i = 0; i < 2000; i += sampling()) {
          CHILD_CHECK(adopt_error(mapping, pages * page, missing.fd()) == -EEXIST);
          // Takes the descriptor that was just given back.
          const nosigbus::region next = make_region(origin::mapped, whole, page);
          const auto status = next.status();
          CHILD_CHECK(!status.overlaid);
          CHILD_CHECK(status.generation % 2 == 0);
          CHILD_CHECK(is_pattern(next, 0, page));
        }
        stop = true;
        reader.join();
      },
      100);
}

TEST_CASE("clipping needs a descriptor, and covers reads that end early") {
  in_each_entry(exited(0), [] {
    shared_file file(page);
    unsigned char* const other = file.map(page, PROT_READ | PROT_WRITE);
    file.resize(100);
    memset(other, 0xee, page);
    unsigned char* const place =
        static_cast<unsigned char*>(mmap(nullptr, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHILD_CHECK(mmap(place, page, PROT_READ, MAP_SHARED | MAP_FIXED, file.fd(), 0) == place);
    const nosigbus::region region = adopt(place, page, file.fd(), NOSIGBUS_CLIP);
    nosigbus::install(NOSIGBUS_CATCH_SEGV);
    std::vector<unsigned char> bytes(2 * page, 1);
    CHILD_CHECK(nosigbus_safe_read(bytes.data(), place, 2 * page) == page);
    CHILD_CHECK(bytes[99] == 0xee);
    for (size_t i = 100; i < 2 * page; ++i) CHILD_CHECK(bytes[i] == 0);

    const rlimit few{8, 8};
    CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    while (dup(0) >= 0) {
    }
    auto without = nosigbus::region::map(file.fd(), 0, page, PROT_READ, NOSIGBUS_CLIP);
    CHILD_CHECK(!without && without.error() == -EMFILE);
    CHILD_CHECK(nosigbus::region::map(file.fd(), 0, page, PROT_READ, 0).has_value());
  });
}

TEST_CASE("clipping leaves discarded writes alone") {
  in_each_entry(exited(0), [] {
    shared_file file(2 * page);
    const nosigbus::region region = make_region(origin::mapped, file, 2 * page, PROT_READ | PROT_WRITE,
                                                NOSIGBUS_CLIP | NOSIGBUS_DISCARD_WRITES);
    file.resize(100);
    for (const size_t at : {size_t{200}, page + 7}) poke(region, at, 'w');
    std::vector<unsigned char> bytes(2 * page);
    CHILD_CHECK(nosigbus_safe_read(bytes.data(), region.data(), bytes.size()) == bytes.size());
    CHILD_CHECK(bytes[200] == 0 && bytes[page + 7] == 'w');
  });
}

TEST_CASE("a read that got zeros says so although another thread heals the region meanwhile") {
  in_each_entry(
      exited(0),
      [] {
        constexpr size_t pages = 16;
        shared_file file(pages * page);
        nosigbus::region region = make_region(origin::mapped, file, pages * page);
        const restless other(file, region);
        std::vector<unsigned char> bytes(pages * page);
        for (size_t i = 0; i < 100000; i += sampling()) {
          CHILD_CHECK(nosigbus_safe_read(bytes.data(), region.data(), bytes.size()) == bytes.size());
          bool zeros = false;
          for (size_t k = 0; k < pages; ++k) zeros = zeros || bytes[k * page] == 0;
          CHILD_CHECK(!zeros || nosigbus_last_fault()->cause != NOSIGBUS_NONE);
        }
      },
      100);
}

TEST_CASE(
    "a child that was forked in the middle of a change sees it done or undone" NO_QEMU("MADV_WIPEONFORK")) {
  in_each_entry(
      exited(0),
      [] {
        shared_file file(8 * page);
        nosigbus::region region = make_region(origin::mapped, file, 8 * page);
        const restless other(file, region);
        for (size_t i = 0; i < 600; i += sampling()) {
          const outcome child = in_child([&] {
            const auto status = region.status();
            CHILD_CHECK((status.generation % 2 == 1) == status.overlaid);
            peek(region, 4 * page);
            region.refresh();
            const auto later = region.status();
            CHILD_CHECK((later.generation % 2 == 1) == later.overlaid);
            return 0;
          });
          CHILD_CHECK(child == exited(0));
        }
      },
      100);
}

// Another thread reads the rows without end, and no table may wait for it in the child, where it is not.
TEST_CASE("a child that was forked beside faulting threads registers rows") {
  in_each_entry(
      exited(0),
      [] {
        shared_file file(page);
        const unsigned char* const mapping = file.map(page);
        file.resize(0);
        std::atomic<bool> stop{false};
        std::thread reader([&] {
          char bytes[64];
          while (!stop) nosigbus_safe_read(bytes, mapping, sizeof bytes);
        });
        static const nosigbus_extable_row row{};
        for (size_t i = 0; i < 600; i += sampling()) {
          // A port without an extable refuses, without waiting for anybody either.
          const outcome child = in_child(
              [] {
                const int error = nosigbus_extable_register(&row, &row + 1);
                return error == 0 || error == -ENOTSUP ? 0 : 1;
              },
              5);
          CHILD_CHECK(child == exited(0));
        }
        stop = true;
        reader.join();
      },
      100);
}
