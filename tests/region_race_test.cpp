// SPDX-License-Identifier: MIT
//
// A thread faults in a region that another one makes in vain, shortens or releases at that moment: it is
// served or declined, and what is no region's any more stays as it is. And what one thread does with a region
// is in order with another's faults.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <nosigbus/copy.h>
#include <nosigbus/events.h>
#include <signal.h>
#include <src/shared/region_lock.h>
#include <src/shared/region_pool.h>
#include <src/shared/registry.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <thread>

#include "support/each_entry.h"
#include "support/no_qemu.h"
#include "support/region_fixture.h"
#include "support/sampling.h"

using namespace test;

namespace {

const size_t page = page_size();

// Reads a byte that is missing, again and again, until it is destroyed. Zeros, or nothing.
class reader {
 public:
  explicit reader(const unsigned char* at)
      : thread_([this, at] {
          while (!stop_.load()) {
            unsigned char byte = 1;
            if (nosigbus_safe_read(&byte, at, 1) == 1) {
              CHILD_CHECK(byte == 0);
              served_.fetch_add(1);
            }
            reads_.fetch_add(1);
          }
        }) {
    while (reads_.load() == 0) std::this_thread::yield();
  }
  ~reader() { stop(); }
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int reads() const { return reads_.load(); }
  // How many of them found zeros.
  int served() const { return served_.load(); }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<int> reads_{0}, served_{0};
  std::thread thread_;
};

bool is_missing(const unsigned char* at) {
  unsigned char byte;
  return nosigbus_safe_read(&byte, at, 1) == 0;
}

// A file of which there is nothing, mapped at the same place each time.
class empty_mapping {
 public:
  explicit empty_mapping(size_t length) : length_(length), begin(file_.map(length)) { file_.resize(0); }
  // Takes away whatever lies over it.
  void renew() const {
    CHILD_CHECK(mmap(begin, length_, PROT_READ, MAP_SHARED | MAP_FIXED, file_.fd(), 0) == begin);
  }

 private:
  shared_file file_{page};
  const size_t length_;

 public:
  unsigned char* const begin;
};

const sigset_t& no_signal() {
  static const sigset_t none = [] {
    sigset_t set;
    sigemptyset(&set);
    return set;
  }();
  return none;
}

bool sleeps(pid_t thread) {
  char path[64], text[256] = {};
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  CHILD_CHECK(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
  close(fd);
  const char* const name_end = strrchr(text, ')');
  return name_end != nullptr && name_end[2] == 'S';
}

size_t overlaid_regions() { return nosigbus::g_overlay_census.read() & nosigbus::overlay_census::live_mask; }

}  // namespace

// It is visible until it turns out that its end is another's: by then it may have been repaired and queued.
TEST_CASE("faults in a region that overlaps another and is not made") {
  in_each_entry(
      exited(0),
      [] {
        constexpr size_t length = 1000;
        const empty_mapping mapping(length * page);
        CHILD_CHECK(nosigbus_event_fd() >= 0);
        nosigbus_region* last = nullptr;
        CHILD_CHECK(nosigbus_adopt(&last, mapping.begin + (length - 1) * page, page, -1, 0) == 0);
        const reader other(mapping.begin);
        for (size_t i = 0; i < 10'000 / sampling(); ++i) {
          nosigbus_region* made = nullptr;
          CHILD_CHECK(nosigbus_adopt(&made, mapping.begin, length * page, -1, 0) == -EEXIST);
          CHILD_CHECK(nosigbus_dispatch([](const nosigbus_event*, void*) { return 0; }, nullptr) == 0);
          mapping.renew();
          CHILD_CHECK(is_missing(mapping.begin));
        }
        CHILD_CHECK(nosigbus::stats().regions == 1);
        CHILD_CHECK(overlaid_regions() == 0);
        // Their descriptors are there again, and once: there has never been more than one chunk of them.
        const auto *const next = nosigbus::region_pool::take(), *const other_one =
                                                                    nosigbus::region_pool::take();
        CHILD_CHECK(next != nullptr && next->index < 512 && other_one != nullptr && other_one != next);
      },
      60);
}

// It had found the region, and waited for its lock.
TEST_CASE("a fault in what has just been cut off is declined") {
  in_each_entry(exited(0), [] {
    shared_file file(2 * page);
    const nosigbus::region region = make_region(origin::mapped, file, 2 * page);
    file.resize(page);
    const uintptr_t base = reinterpret_cast<uintptr_t>(region.data());
    nosigbus::region_descriptor& place = *nosigbus::registry::find(base);
    const auto* const end = static_cast<unsigned char*>(region.data()) + page;
    std::atomic<pid_t> other{0};
    std::thread late;
    {
      const nosigbus::scoped_signal_block no_signals;
      const nosigbus::region_lock lock(place, no_signals);
      late = std::thread([&] {
        CHILD_CHECK(pthread_sigmask(SIG_SETMASK, &no_signal(), nullptr) == 0);
        other = gettid();
        CHILD_CHECK(is_missing(end));
      });
      while (other == 0 || !sleeps(other)) std::this_thread::yield();
      CHILD_CHECK(nosigbus::registry::shorten(place, base, base + page, base + 2 * page) == 0);
      place.mapped = place.size = page;
    }
    late.join();
    CHILD_CHECK(is_missing(end));
    CHILD_CHECK(!region.status().overlaid && region.status().faults == 0);
  });
}

TEST_CASE("faults in the end of a region that becomes shorter") {
  in_each_entry(
      exited(0),
      [] {
        shared_file file(page);
        nosigbus::region region = make_region(origin::mapped, file, 2 * page);
        const auto* const end = static_cast<unsigned char*>(region.data()) + page;
        CHILD_CHECK(nosigbus_install(NOSIGBUS_CATCH_SEGV) == 0);  // of what is cut off
        const reader other(end);
        for (size_t i = 0; i < 10'000 / sampling(); ++i) {
          CHILD_CHECK(region.resize(2 * page) == 0);
          CHILD_CHECK(static_cast<unsigned char*>(region.data()) + page == end);
          CHILD_CHECK(region.resize(page) == 0);
          // Nobody has put zeros there that were late.
          CHILD_CHECK(is_missing(end));
          CHILD_CHECK(!region.status().overlaid);
        }
        CHILD_CHECK(is_pattern(region, 0, page));
        CHILD_CHECK(overlaid_regions() == 0);
      },
      60);
}

TEST_CASE("faults in a region that is released") {
  in_each_entry(
      exited(0),
      [] {
        const empty_mapping mapping(page);
        const reader other(mapping.begin);
        for (size_t i = 0; i < 10'000 / sampling(); ++i) {
          nosigbus_region* region = nullptr;
          CHILD_CHECK(nosigbus_adopt(&region, mapping.begin, page, -1, 0) == 0);
          CHILD_CHECK(nosigbus_region_release(region) == 0);
          mapping.renew();
          CHILD_CHECK(is_missing(mapping.begin));
        }
        CHILD_CHECK(overlaid_regions() == 0);
      },
      60);
}

// What is seen beyond the missing page is there at one look and not at the next: that is no I/O error, which
// would not be absorbed.
TEST_CASE(
    "faults in a file that is cut off and grows again all the time" NO_QEMU("needs duplicated mappings")) {
  in_each_entry(
      exited(0),
      [] {
        constexpr size_t pages = 8, left = 4;
        shared_file file(left * page);
        file.resize(pages * page);
        nosigbus::region region = make_region(origin::adopted_without_fd, file, pages * page);
        reader other(static_cast<unsigned char*>(region.data()) + left * page);
        for (size_t i = 0; i < 10'000 / sampling(); ++i) {
          // Each for other times than before; the second time for as long as all looks take.
          const auto stay = [&file](size_t size, size_t turns) {
            for (size_t k = 0; k < turns; ++k) file.resize(size * page);
          };
          stay(left, 1 + i % 8);
          stay(pages, 1 + i / 8 % 8);
          stay(left, 60);
          stay(pages, 1);
          CHILD_CHECK(region.refresh() >= 0);
        }
        other.stop();
        CHILD_CHECK(other.reads() > 0 && other.served() == other.reads());
        CHILD_CHECK(is_pattern(region, 0, left * page));
      },
      60);
}

// Nothing but the library orders the two; ThreadSanitizer says whether it does.
TEST_CASE("each call, just after another thread's first fault") {
  const auto dispatch = [] {
    return nosigbus_dispatch([](const nosigbus_event*, void*) { return 0; }, nullptr);
  };
  const std::function<void(nosigbus::region&)> calls[] = {
      [](auto& region) { CHILD_CHECK(region.resize(9 * page) == 0 && region.size() == 9 * page); },
      [](auto& region) {
        block(region);
        CHILD_CHECK(region.resize(9 * page) == 0 && region.size() == 9 * page);
      },
      [](auto& region) { CHILD_CHECK(region.resize(page) == 0 && region.size() == page); },
      [](auto& region) { CHILD_CHECK(region.status().faults == 1); },
      [](auto& region) { CHILD_CHECK(region.refresh() == 0); },
      [](auto& region) { CHILD_CHECK(region.prefault(0, region.size()) == 0); },
      [](auto& region) { CHILD_CHECK(!region.end_read(region.begin_read())); },
      [](auto& region) {
        char byte = 1;
        CHILD_CHECK(nosigbus_safe_read(&byte, region.data(), 1) == 1 && byte == 0);
      },
      [&](auto&) { CHILD_CHECK(dispatch() >= 1); },
      [](auto& region) { region.reset(); },
  };
  with_each_healing_region([&](origin from) {
    CHILD_CHECK(nosigbus_event_fd() >= 0);
    for (const auto& call : calls) {
      shared_file file(2 * page);
      nosigbus::region region = make_region(from, file, 2 * page);
      file.resize(0);
      std::atomic<bool> faulted{false};
      const volatile auto* const first = static_cast<unsigned char*>(region.data());
      std::thread reader([&faulted, first] {
        CHILD_CHECK(*first == 0);
        faulted.store(true, std::memory_order_relaxed);
      });
      while (!faulted.load(std::memory_order_relaxed)) std::this_thread::yield();
      call(region);
      reader.join();
      if (!region) continue;
      file.resize(region.size());
      file.draw();
      CHILD_CHECK(region.refresh() == 1 && is_pattern(region, 0, region.size()));
    }
  });
}

// And where each lock of a call matters: the first one orders what was there before.
TEST_CASE("each call, while another thread goes on faulting") {
  with_each_healing_region([](origin from) {
    for (int turn = 0; turn < 10; ++turn) {
      constexpr size_t most = 40;
      shared_file file(most * page);
      nosigbus::region region = make_region(from, file, most * page);
      std::atomic<bool> begun{false};
      std::thread reader([&] {
        for (size_t end = most - 1; end > 0; --end) {
          file.resize(end * page);
          peek(region, end * page);  // where it is now
          begun.store(true, std::memory_order_relaxed);
        }
      });
      while (!begun.load(std::memory_order_relaxed)) std::this_thread::yield();
      for (size_t more = 1; more < 8; ++more) {
        if (more % 2 == 1) block(region);
        CHILD_CHECK(region.resize((most << more) * page) == 0);
        char byte;
        CHILD_CHECK(nosigbus_safe_read(&byte, region.data(), 1) == 1);
        CHILD_CHECK(region.refresh() >= 0);
        region.status();
      }
      reader.join();
    }
  });
}

// The same of what the library has opened and closed again: ThreadSanitizer knows descriptors by their
// numbers.
TEST_CASE("a thread's own descriptors, just after another thread's first region") {
  CHECK(in_child([] {
          enter_by(entry::installed);
          const shared_file file(page);
          std::atomic<bool> made{false};
          std::thread maker([&] {
            const nosigbus::region region = make_region(origin::mapped, file, page);
            made.store(true, std::memory_order_relaxed);
            while (made.load(std::memory_order_relaxed)) std::this_thread::yield();
          });
          while (!made.load(std::memory_order_relaxed)) std::this_thread::yield();
          for (int turn = 0; turn < 2; ++turn) {
            const shared_file own[] = {shared_file(page), shared_file(page), shared_file(page),
                                       shared_file(page)};
          }
          made.store(false, std::memory_order_relaxed);
          maker.join();
          return 0;
        }) == exited(0));
}
