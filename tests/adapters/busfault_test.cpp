// SPDX-License-Identifier: MIT
//
// The X server's bus faults: segments of clients, and a main loop that is told. The original is part of a
// program and cannot be asked; what it does is read from os/busfault.c, and said beside each scenario that it
// fails.
#include "adapters/busfault.h"

#include <doctest/doctest.h>
#include <nosigbus/events.h>
#include <nosigbus/runtime.h>
#include <poll.h>

#include <memory>
#include <vector>

#include "scenarios.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"

using namespace adapters;
using test::exited;
using test::in_child;
using test::outcome;
using test::pattern;
using test::shared_file;

namespace {

// What the server keeps of a segment, and does when it is told (Xext/shm.c: the resource goes).
struct segment {
  explicit segment(size_t file_size, size_t offset = 0, size_t length = 0)
      : file(file_size), memory(map_writable(file, file_size)) {
    bytes = memory + offset;
    busfault = busfault_register_mmap(bytes, length != 0 ? length : file_size - offset, notify, this);
    CHILD_CHECK(busfault != nullptr);
  }
  static void notify(void* context) { ++static_cast<segment*>(context)->told; }

  shared_file file;
  unsigned char *memory, *bytes;
  struct busfault* busfault;
  int told = 0;
};

void start() { CHILD_CHECK(busfault_init() != 0); }

outcome in_server(int (*scenario)()) {
  return in_child([=] {
    start();
    return scenario();
  });
}

bool main_loop_is_woken() {
  pollfd what{nosigbus_event_fd(), POLLIN, 0};
  return poll(&what, 1, 0) == 1;
}

}  // namespace

TEST_CASE("a segment that was cut off reads as zeros and its owner is told once") {
  CHECK(in_server([] {
          segment cut(3 * page), whole(page);
          busfault_check();
          CHILD_CHECK(cut.told == 0);
          cut.file.resize(page);
          CHILD_CHECK(peek(cut.bytes + page) == 0);
          poke(cut.bytes + 2 * page, 5);  // XShmGetImage
          CHILD_CHECK(peek(cut.bytes + 2 * page) == 5);
          // The original maps all of it anew.
          CHILD_CHECK(peek(cut.bytes) == pattern(0));
          CHILD_CHECK(main_loop_is_woken());
          busfault_check();
          CHILD_CHECK(cut.told == 1 && whole.told == 0);
          CHILD_CHECK(!main_loop_is_woken());
          busfault_check();
          CHILD_CHECK(cut.told == 1);
          return 0;
        }) == exited(0));
}

// busfault_sigaction: "if (!busfault->valid) goto panic".
TEST_CASE("a second fault on a segment is absorbed before its owner was told and after") {
  CHECK(in_server([] {
          segment cut(4 * page);
          for (const size_t left : {3 * page, 2 * page}) {
            cut.file.resize(left);
            CHILD_CHECK(peek(cut.bytes + left) == 0);
          }
          busfault_check();
          CHILD_CHECK(cut.told == 1);
          for (const size_t left : {page, size_t{0}}) {
            cut.file.resize(left);
            CHILD_CHECK(peek(cut.bytes + left) == 0);
            busfault_check();
          }
          CHILD_CHECK(cut.told == 3);
          return 0;
        }) == exited(0));
}

// Two threads that fault in one segment are a second fault to the original, too.
TEST_CASE("two threads fault in a segment at once and both of their writes stay") {
  CHECK(in_server([] {
          std::unique_ptr<segment> current;
          return race(300,
                      [&] {
                        if (current) {
                          busfault_unregister(current->busfault);
                          munmap(current->memory, page);
                        }
                        current = std::make_unique<segment>(page);
                        current->file.resize(0);
                        return current->bytes;
                      })
                     ? 0
                     : wrong;
        }) == exited(0));
}

// "FatalError("bus error\n")": a server that aborts, whatever handler there was, if it had no SA_SIGINFO.
TEST_CASE("a fault that is in no segment is what it was before") {
  for (const bool had_handler : {false, true}) {
    CAPTURE(had_handler);
    const before us{had_handler};
    const outcome foreign = us.reached();
    const auto with = [=](int (*scenario)()) {
      return us.run([=] {
        start();
        return scenario();
      });
    };
    CHECK(with([] {
            const segment other(page);
            return int{peek(stranger())};
          }) == foreign);
    CHECK(with([] {
            segment half(2 * page, 0, page);
            half.file.resize(0);
            return int{peek(half.bytes + page)};
          }) == foreign);
    CHECK(with([] {
            segment gone(page);
            busfault_unregister(gone.busfault);
            gone.file.resize(0);
            return int{peek(gone.bytes)};
          }) == foreign);
    CHECK(with([] { return raise(SIGBUS); }) == foreign);
  }
}

// mmap(2) with MAP_FIXED wants whole pages: EINVAL, "if (new_addr == MAP_FAILED) goto panic".
TEST_CASE("a segment begins and ends anywhere in a page") {
  CHECK(in_server([] {
          for (const size_t offset : {size_t{0}, size_t{1}, size_t{100}, page - 1, page, page + 1}) {
            for (const size_t length : {size_t{1}, page - 1, page, page + 1}) {
              for (const size_t at : {size_t{0}, length - 1}) {
                segment cut(3 * page, offset, length);
                cut.file.resize(0);
                CHILD_CHECK(peek(cut.bytes + at) == 0);
                busfault_check();
                CHILD_CHECK(cut.told == 1);
                busfault_unregister(cut.busfault);
                munmap(cut.memory, 3 * page);
              }
            }
          }
          return 0;
        }) == exited(0));
}

// The original maps private memory of the segment's size, which the kernel lends to nobody.
TEST_CASE("a segment may be larger than the memory of the machine" NO_QEMU("no room for it")
              NO_TSAN("no room for its shadow")) {
  CHECK(in_server([] {
          shared_file file(page);
          file.resize(absurd_size);
          unsigned char* const bytes = map_writable(file, absurd_size);
          int told = 0;
          const auto notify = [](void* context) { ++*static_cast<int*>(context); };
          busfault* const sparse = busfault_register_mmap(bytes, absurd_size, notify, &told);
          CHILD_CHECK(sparse != nullptr);
          file.resize(0);
          CHILD_CHECK(peek(bytes + absurd_size / 2) == 0 && peek(bytes) == 0);
          busfault_check();
          CHILD_CHECK(told == 1);
          busfault_unregister(sparse);
          CHILD_CHECK(peek(bytes) == 0);
          struct nosigbus_stats stats;
          CHILD_CHECK(nosigbus_stats(&stats, sizeof stats) == 0 && stats.regions == 0);
          return 0;
        }) == exited(0));
}

// Xext/shm.c: pixmaps outlive the segment's resource, which goes as its owner is told.
TEST_CASE("what was faulty stays readable after it was unregistered however often it is cut off") {
  CHECK(in_server([] {
          segment cut(4 * page);
          cut.file.resize(2 * page);
          CHILD_CHECK(peek(cut.bytes + 3 * page) == 0);
          busfault_check();
          busfault_unregister(cut.busfault);
          cut.file.resize(0);
          for (size_t at = 0; at < 4 * page; at += page) poke(cut.bytes + at, peek(cut.bytes + at));
          cut.file.resize(4 * page);
          CHILD_CHECK(peek(cut.bytes) == 0);
          return 0;
        }) == exited(0));
}

TEST_CASE("who is told may unregister itself and others") {
  CHECK(in_server([] {
          struct pair {
            busfault *one, *other;
            int told;
          };
          shared_file file(page);
          const auto notify = [](void* context) {
            auto& both = *static_cast<pair*>(context);
            ++both.told;
            busfault_unregister(both.one);
            busfault_unregister(both.other);
          };
          for (int round = 0; round < 50; ++round) {
            file.resize(page);
            pair both{nullptr, nullptr, 0};
            unsigned char *const a = map_writable(file, page), *const b = map_writable(file, page);
            both.one = busfault_register_mmap(a, page, notify, &both);
            both.other = busfault_register_mmap(b, page, notify, &both);
            file.resize(0);
            CHILD_CHECK(peek(a) == 0 && peek(b) == 0);
            busfault_check();
            CHILD_CHECK(both.told == 1);
          }
          return 0;
        }) == exited(0));
}

TEST_CASE("of many segments those are told that were cut off") {
  CHECK(in_server([] {
          std::vector<std::unique_ptr<segment>> all;
          for (int i = 0; i < 500; ++i) all.push_back(std::make_unique<segment>(page));
          for (size_t i = 0; i < all.size(); i += 3) {
            all[i]->file.resize(0);
            CHILD_CHECK(peek(all[i]->bytes) == 0);
          }
          busfault_check();
          for (size_t i = 0; i < all.size(); ++i) CHILD_CHECK(all[i]->told == (i % 3 == 0 ? 1 : 0));
          return 0;
        }) == exited(0));
}

TEST_CASE("what is no segment is refused") {
  CHECK(in_server([] {
          segment first(2 * page);
          shared_file file(page);
          unsigned char* const other = map_writable(file, page);
          const auto refused = [](void* addr, size_t size) {
            return busfault_register_mmap(addr, size, segment::notify, nullptr) == nullptr;
          };
          CHILD_CHECK(refused(nullptr, page));
          CHILD_CHECK(refused(other, 0) && refused(other + 1, 0));
          CHILD_CHECK(refused(other, SIZE_MAX) && refused(other + 1, SIZE_MAX) &&
                      refused(other + 2, SIZE_MAX));
          CHILD_CHECK(refused(first.bytes, page) && refused(first.bytes + 2 * page - 1, 1));
          return 0;
        }) == exited(0));
}
