// SPDX-License-Identifier: MIT
//
// PulseAudio's memtraps: the adapter, and libpulsecommon's own where it is installed.
#include "adapters/memtrap.h"

#include "originals.h"
#include "scenarios.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"

using namespace adapters;
using test::exited;
using test::killed_by;
using test::pattern;
using test::shared_file;

namespace {

struct memtrap_calls {
  void (*install)();
  pa_memtrap* (*add)(const void* start, size_t size);
  pa_memtrap* (*update)(pa_memtrap* m, const void* start, size_t size);
  void (*remove)(pa_memtrap* m);
  bool (*is_good)(pa_memtrap* m);
};
using calls = memtrap_calls;

constexpr memtrap_calls ours{pa_memtrap_install, pa_memtrap_add, pa_memtrap_update, pa_memtrap_remove,
                             pa_memtrap_is_good};

// src/tests/sigbus-test.c of PulseAudio says what a memtrap is for.
int written_after_the_file_was_cut_off(const calls& trap) {
  trap.install();
  shared_file file(page);
  unsigned char* const memory = map_writable(file, page);
  pa_memtrap* const m = trap.add(memory, page);
  poke(memory, 7);
  if (peek(memory) != 7 || !trap.is_good(m)) return wrong;
  file.resize(0);
  poke(memory, 8);
  if (peek(memory) != 8 || trap.is_good(m)) return wrong;
  trap.remove(m);
  munmap(memory, page);
  return file.size() == 0 ? 0 : wrong;
}

int what_is_left_stays(const calls& trap) {
  trap.install();
  shared_file file(4 * page);
  unsigned char* const memory = map_writable(file, 4 * page);
  trap.add(memory, 4 * page);
  file.resize(page);
  if (peek(memory + 3 * page) != 0) return 2;
  return peek(memory) == pattern(0) ? 0 : wrong;
}

int cut_off_twice(const calls& trap) {
  trap.install();
  shared_file file(4 * page);
  unsigned char* const memory = map_writable(file, 4 * page);
  pa_memtrap* const m = trap.add(memory, 4 * page);
  for (const size_t left : {2 * page, page, size_t{0}}) {
    file.resize(left);
    if (peek(memory + left) != 0 || trap.is_good(m)) return wrong;
  }
  return 0;
}

int first_and_last_byte(const calls& trap) {
  trap.install();
  for (const size_t at : {size_t{0}, 3 * page - 1}) {
    shared_file file(3 * page);
    unsigned char* const memory = map_writable(file, 3 * page);
    pa_memtrap* const m = trap.add(memory, 3 * page);
    file.resize(0);
    poke(memory + at, 9);
    if (peek(memory + at) != 9 || trap.is_good(m)) return wrong;
  }
  return 0;
}

// Of as many bytes as a page has, which begin within one, the last are on the next.
int memory_that_begins_within_a_page(const calls& trap) {
  trap.install();
  shared_file file(2 * page);
  unsigned char* const memory = map_writable(file, 2 * page);
  pa_memtrap* const m = trap.add(memory + 100, page);
  file.resize(0);
  return peek(memory + page + 99) == 0 && !trap.is_good(m) ? 0 : wrong;
}

int memory_that_ends_within_a_page(const calls& trap) {
  trap.install();
  shared_file file(2 * page);
  unsigned char* const memory = map_writable(file, 2 * page);
  trap.add(memory, page + 1);
  file.resize(0);
  return peek(memory + page) == 0 ? 0 : wrong;
}

int fault_elsewhere(const calls& trap) {
  trap.install();
  shared_file file(page);
  trap.add(map_writable(file, page), page);
  return peek(stranger());
}

int fault_elsewhere_after_a_handler(const calls& trap) {
  handle_by_exit();
  return fault_elsewhere(trap);
}

int signal_that_was_sent(const calls& trap) {
  handle_by_exit();
  trap.install();
  return raise(SIGBUS);
}

int behind_the_last_byte(const calls& trap) {
  trap.install();
  shared_file file(2 * page);
  unsigned char* const memory = map_writable(file, 2 * page);
  trap.add(memory, page);
  file.resize(0);
  return peek(memory + page);
}

int after_it_was_removed(const calls& trap) {
  trap.install();
  shared_file file(page);
  unsigned char* const memory = map_writable(file, page);
  trap.remove(trap.add(memory, page));
  file.resize(0);
  return peek(memory);
}

int more_than_the_kernel_would_lend(const calls& trap) {
  trap.install();
  shared_file file(page);
  file.resize(absurd_size);
  unsigned char* const memory = map_writable(file, absurd_size);
  pa_memtrap* const m = trap.add(memory, absurd_size);
  file.resize(0);
  return peek(memory + absurd_size / 2) == 0 && !trap.is_good(m) ? 0 : wrong;
}

int update_to_other_memory(const calls& trap) {
  trap.install();
  shared_file file(page), other(2 * page);
  unsigned char *const memory = map_writable(file, page), *const next = map_writable(other, 2 * page);
  pa_memtrap* m = trap.add(memory, page);
  file.resize(0);
  if (peek(memory) != 0 || trap.is_good(m)) return wrong;
  m = trap.update(m, memory, page);
  if (trap.is_good(m)) return wrong;
  m = trap.update(m, next, 2 * page);
  if (!trap.is_good(m)) return wrong;
  other.resize(0);
  return peek(next + page) == 0 && !trap.is_good(m) ? 0 : wrong;
}

int two_threads(const calls& trap) {
  trap.install();
  shared_file file(page);
  unsigned char* const memory = map_writable(file, page);
  const bool kept = race(300, [&] {
    file.resize(page);
    mmap(memory, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.fd(), 0);
    static pa_memtrap* m = nullptr;
    if (m != nullptr) trap.remove(m);
    m = trap.add(memory, page);
    file.resize(0);
    return memory;
  });
  return kept ? 0 : wrong;
}

const scenario<memtrap_calls> scenarios[] = {
    {"written after the file was cut off", written_after_the_file_was_cut_off, exited(0), exited(0)},
    {"what is left stays", what_is_left_stays, exited(0), exited(wrong)},
    {"cut off twice", cut_off_twice, exited(0), exited(0)},
    {"first and last byte", first_and_last_byte, exited(0), exited(0)},
    {"begins within a page", memory_that_begins_within_a_page, exited(0), killed_by(SIGABRT)},
    {"ends within a page", memory_that_ends_within_a_page, exited(0), exited(0)},
    {"fault elsewhere", fault_elsewhere, killed_by(SIGBUS), killed_by(SIGABRT)},
    {"fault elsewhere after a handler", fault_elsewhere_after_a_handler, exited(previous_handler),
     killed_by(SIGABRT)},
    {"signal that was sent", signal_that_was_sent, exited(previous_handler), killed_by(SIGABRT)},
    {"behind the last byte", behind_the_last_byte, killed_by(SIGBUS), killed_by(SIGABRT)},
    {"after it was removed", after_it_was_removed, killed_by(SIGBUS), killed_by(SIGABRT)},
    {"update to other memory", update_to_other_memory, exited(0), exited(0)},
    {"two threads", two_threads, exited(0), std::nullopt},
};

std::optional<memtrap_calls> original() {
#ifdef ADAPTERS_TEST_PULSECOMMON
  void* const library = dlopen(ADAPTERS_TEST_PULSECOMMON, RTLD_NOW | RTLD_LOCAL);
  REQUIRE_MESSAGE(library != nullptr, dlerror());
  memtrap_calls theirs{};
  find(library, "pa_memtrap_install", theirs.install);
  find(library, "pa_memtrap_add", theirs.add);
  find(library, "pa_memtrap_update", theirs.update);
  find(library, "pa_memtrap_remove", theirs.remove);
  find(library, "pa_memtrap_is_good", theirs.is_good);
  return theirs;
#else
  return std::nullopt;
#endif
}

}  // namespace

TEST_CASE("a memtrap does what PulseAudio's does and survives what that does not") {
  const auto theirs = original();
  compare<memtrap_calls>(scenarios, ours, theirs ? &*theirs : nullptr);
}

TEST_CASE("a memtrap covers more memory than the kernel would lend" NO_QEMU("no room for it")
              NO_TSAN("no room for its shadow")) {
  const auto theirs = original();
  const auto aborted = memory_is_refused() ? std::optional(killed_by(SIGABRT)) : std::nullopt;
  const scenario<memtrap_calls> absurd[] = {{"2 TiB", more_than_the_kernel_would_lend, exited(0), aborted}};
  compare<memtrap_calls>(absurd, ours, theirs ? &*theirs : nullptr);
}

TEST_CASE("what cannot be trapped has no memtrap") {
  CHECK(test::in_child([] {
          pa_memtrap_install();
          shared_file file(2 * page);
          unsigned char* const memory = map_writable(file, 2 * page);
          CHILD_CHECK(pa_memtrap_add(nullptr, page) == nullptr);
          for (const size_t offset : {size_t{0}, size_t{1}, size_t{2}}) {
            CHILD_CHECK(pa_memtrap_add(memory + offset, 0) == nullptr);
            CHILD_CHECK(pa_memtrap_add(memory + offset, SIZE_MAX) == nullptr);
          }
          pa_memtrap* m = pa_memtrap_add(memory, page);
          CHILD_CHECK(m != nullptr && pa_memtrap_add(memory + page - 1, 1) == nullptr);
          munmap(memory + page, page);
          m = pa_memtrap_update(m, memory + page, page);
          CHILD_CHECK(!pa_memtrap_is_good(m));
          CHILD_CHECK(pa_memtrap_is_good(pa_memtrap_update(m, memory, page)));
          pa_memtrap_remove(m);
          CHILD_CHECK(!pa_memtrap_is_good(nullptr));
          pa_memtrap_remove(nullptr);
          return 0;
        }) == exited(0));
}
