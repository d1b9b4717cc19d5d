// SPDX-License-Identifier: MIT
//
// systemd's queue of missing pages: the adapter, and libsystemd-shared's own where it is installed.
#include "adapters/sigbus.h"

#include <nosigbus/region.h>
#include <nosigbus/runtime.h>

#include <cerrno>
#include <set>
#include <vector>

#include "originals.h"
#include "scenarios.h"

using namespace adapters;
using test::exited;
using test::killed_by;
using test::shared_file;

namespace {

struct sigbus_calls {
  void (*install)();
  void (*reset)();
  int (*pop)(void** ret);
  // Maps a file that may be cut off.
  unsigned char* (*map)(const shared_file& file, size_t length);
};
using calls = sigbus_calls;

unsigned char* map_region(const shared_file& file, size_t length) {
  nosigbus_region* region;
  const int prot = PROT_READ | PROT_WRITE;
  CHILD_CHECK(nosigbus_map(&region, file.fd(), 0, length, prot, NOSIGBUS_DISCARD_WRITES) == 0);
  return static_cast<unsigned char*>(nosigbus_region_data(region));
}

constexpr sigbus_calls ours{sigbus_install, sigbus_reset, sigbus_pop, map_region};

// What a scenario returns when the queue has overflowed, and when a fault was taken that nobody expected.
constexpr int overflowed = 75, taken = 3;

// src/test/test-sigbus.c of systemd says what it is for. There, each page is told; here, each mapping.
int pages_that_were_never_there(const calls& sigbus) {
  sigbus.install();
  shared_file file(8 * page);
  unsigned char* const p = sigbus.map(file, 16 * page);
  void* address = nullptr;
  if (sigbus.pop(&address) != 0) return wrong;
  poke(p, 0xff);
  poke(p + page, 0xff);
  if (sigbus.pop(&address) != 0) return wrong;
  poke(p + 8 * page, 0xff);
  poke(p + 8 * page + 1, 0xff);
  poke(p + 10 * page, 0xff);
  if (sigbus.pop(&address) != 1 || address != p + 8 * page) return wrong;
  while (sigbus.pop(&address) > 0) {
    if (address != p + 10 * page) return wrong;
  }
  if (peek(p + 8 * page) != 0xff || peek(p + 10 * page) != 0xff) return wrong;
  sigbus.reset();
  return 0;
}

// Touches that many pages of a mapping, and takes what there is to take.
int touch_pages(const calls& sigbus, size_t pages) {
  sigbus.install();
  shared_file file(pages * page);
  unsigned char* const p = sigbus.map(file, pages * page);
  file.resize(0);
  // Backwards: each is a fault, whatever is put in place of the rest.
  for (size_t i = pages; i-- > 0;) poke(p + i * page, 1);
  void* address = nullptr;
  int result = sigbus.pop(&address);
  if (result == -EOVERFLOW) return overflowed;
  for (; result > 0; result = sigbus.pop(&address)) {
    const size_t offset = static_cast<size_t>(static_cast<unsigned char*>(address) - p);
    if (offset % page != 0 || offset >= pages * page) return wrong;
  }
  return result == 0 ? 0 : wrong;
}
int touch_64_pages(const calls& sigbus) { return touch_pages(sigbus, 64); }
int touch_65_pages(const calls& sigbus) { return touch_pages(sigbus, 65); }

// Every one of that many mappings is told of.
int touch_mappings(const calls& sigbus, size_t mappings) {
  sigbus.install();
  shared_file file(page);
  std::set<void*> all;
  while (all.size() < mappings) all.insert(sigbus.map(file, page));
  file.resize(0);
  for (void* const mapping : all) poke(static_cast<unsigned char*>(mapping), 1);
  void* address = nullptr;
  int result = 0;
  while ((result = sigbus.pop(&address)) > 0) {
    if (all.erase(address) != 1) return wrong;
  }
  if (result == -EOVERFLOW) return overflowed;
  return result == 0 && all.empty() ? 0 : wrong;
}
int touch_64_mappings(const calls& sigbus) { return touch_mappings(sigbus, 64); }
int touch_1000_mappings(const calls& sigbus) { return touch_mappings(sigbus, 1000); }

int cut_off_again_after_it_was_told(const calls& sigbus) {
  sigbus.install();
  shared_file file(4 * page);
  unsigned char* const p = sigbus.map(file, 4 * page);
  for (const size_t left : {2 * page, page, size_t{0}}) {
    void* address = nullptr;
    file.resize(left);
    if (peek(p + left) != 0) return wrong;
    if (sigbus.pop(&address) != 1 || address != p + left || sigbus.pop(&address) != 0) return wrong;
  }
  return 0;
}

int cut_off_and_never_touched(const calls& sigbus) {
  sigbus.install();
  shared_file file(page);
  sigbus.map(file, page);
  file.resize(0);
  void* address = nullptr;
  return sigbus.pop(&address) == 0 ? 0 : wrong;
}

int last_byte(const calls& sigbus) {
  sigbus.install();
  shared_file file(page);
  unsigned char* const p = sigbus.map(file, page);
  void* address = nullptr;
  file.resize(0);
  return peek(p + page - 1) == 0 && sigbus.pop(&address) == 1 && address == p ? 0 : wrong;
}

int fault_elsewhere(const calls& sigbus) {
  sigbus.install();
  const unsigned char value = peek(stranger());
  void* address = nullptr;
  return value == 0 && sigbus.pop(&address) == 1 ? taken : wrong;
}

int fault_elsewhere_after_a_handler(const calls& sigbus) {
  handle_by_exit();
  return fault_elsewhere(sigbus);
}

int signal_that_was_sent(const calls& sigbus) {
  handle_by_exit();
  sigbus.install();
  return raise(SIGBUS);
}

// The handler that was there before goes on. Somebody asked it, and then a page is missing.
int fault_after_a_signal_that_was_sent(const calls& sigbus) {
  signal(SIGBUS, [](int) {
    if (static bool again = false; again)
      _exit(previous_handler);
    else
      again = true;
  });
  sigbus.install();
  shared_file file(page);
  unsigned char* const p = sigbus.map(file, page);
  raise(SIGBUS);
  file.resize(0);
  return peek(p);
}

int reset_as_often_as_installed(const calls& sigbus) {
  handle_by_exit();
  sigbus.install();
  sigbus.install();
  sigbus.reset();
  struct sigaction now;
  sigaction(SIGBUS, nullptr, &now);
  if ((now.sa_flags & SA_SIGINFO) == 0) return wrong;
  sigbus.reset();
  sigbus.reset();
  sigbus.install();
  sigaction(SIGBUS, nullptr, &now);
  if ((now.sa_flags & SA_SIGINFO) == 0) return wrong;
  sigbus.reset();
  return peek(stranger());
}

int two_threads(const calls& sigbus) {
  sigbus.install();
  shared_file file(page);
  const bool kept = race(300, [&] {
    file.resize(page);
    unsigned char* const p = sigbus.map(file, page);
    file.resize(0);
    return p;
  });
  return kept ? 0 : wrong;
}

const scenario<sigbus_calls> scenarios[] = {
    {"pages that were never there", pages_that_were_never_there, exited(0), exited(0)},
    {"64 pages", touch_64_pages, exited(0), exited(0)},
    {"65 pages", touch_65_pages, exited(0), exited(overflowed)},
    {"64 mappings", touch_64_mappings, exited(0), exited(0)},
    {"1000 mappings", touch_1000_mappings, exited(0), exited(overflowed)},
    {"cut off again", cut_off_again_after_it_was_told, exited(0), exited(0)},
    {"cut off and never touched", cut_off_and_never_touched, exited(0), exited(0)},
    {"last byte", last_byte, exited(0), exited(0)},
    {"fault elsewhere", fault_elsewhere, killed_by(SIGBUS), exited(taken)},
    {"fault elsewhere after a handler", fault_elsewhere_after_a_handler, exited(previous_handler),
     exited(taken)},
    {"signal that was sent", signal_that_was_sent, exited(previous_handler), exited(previous_handler)},
    {"fault after that", fault_after_a_signal_that_was_sent, exited(0), exited(previous_handler)},
    {"reset as often as installed", reset_as_often_as_installed, exited(previous_handler),
     exited(previous_handler)},
    {"two threads", two_threads, exited(0), std::nullopt},
};

std::optional<sigbus_calls> original() {
#ifdef ADAPTERS_TEST_SYSTEMD_SHARED
  void* const library = dlopen(ADAPTERS_TEST_SYSTEMD_SHARED, RTLD_NOW | RTLD_LOCAL);
  REQUIRE_MESSAGE(library != nullptr, dlerror());
  sigbus_calls theirs{};
  find(library, "sigbus_install", theirs.install);
  find(library, "sigbus_reset", theirs.reset);
  find(library, "sigbus_pop", theirs.pop);
  theirs.map = map_writable;
  return theirs;
#else
  return std::nullopt;
#endif
}

}  // namespace

TEST_CASE("missing pages are queued as systemd does and beyond what its queue holds") {
  const auto theirs = original();
  compare<sigbus_calls>(scenarios, ours, theirs ? &*theirs : nullptr);
}

TEST_CASE("a handler that the program has installed stays") {
  CHECK(test::in_child([] {
          CHILD_CHECK(nosigbus_install(0) == 0);
          for (int round = 0; round < 2; ++round) {
            sigbus_install();
            sigbus_reset();
            CHILD_CHECK(nosigbus_check() == 0);
          }
          return 0;
        }) == exited(0));
}

TEST_CASE("the queue says that it was never installed") {
  CHECK(test::in_child([] {
          void* address = nullptr;
          return sigbus_pop(&address) == -ENOENT && address == nullptr ? 0 : wrong;
        }) == exited(0));
}
