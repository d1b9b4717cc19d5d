// SPDX-License-Identifier: MIT
//
// What a region does about a page that cannot be had: for every kind of file, way to make the region, cause,
// policy and access, as the table in support/region_table.h says.
#include <fcntl.h>
#include <nosigbus/copy.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>

#include "support/no_qemu.h"
#include "support/poison.h"
#include "support/region_table.h"
#include "support/sampling.h"

using namespace test;

namespace {

// One combination, tried.
class trial {
 public:
  trial(const combination& c, file_store& store)
      : c_(c), want_(expected(c)), store_(store), scene_(c.where, store, c.policy) {
    make_bad();
    touched_ = bad_ + 5;
    // Behind the first page that is missing, which only those know who know the file's size.
    if (c.cause == NOSIGBUS_EOF) touched_ += c.where.granule();
    size_before_ = scene_.region().status().file_size;
  }

  void run() {
    c_.guarded() ? access_guarded() : access_plainly();
    CHILD_CHECK(want_.signal == 0);
    check_status();
    check_file();
    if (want_.absorbed) check_memory();
    heal();
  }

 private:
  static constexpr size_t in_front = 37, behind = 100;

  void make_bad() {
    const size_t granule = c_.where.granule();
    const bool cut = c_.cause == NOSIGBUS_EOF;
    if (c_.cause != NOSIGBUS_POISON) scene_.cut_off(cut ? c_.where.cut() : bad_);
    if (c_.cause == NOSIGBUS_IO) {
      scene_.cut_off(c_.where.whole());
      scene_.mark(bad_ + granule, c_.where.whole());
      store_.fill();
    }
    if (c_.cause == NOSIGBUS_POISON) {
      void* const other = mmap(nullptr, granule, PROT_READ | PROT_WRITE, MAP_SHARED, scene_.file().fd(),
                               static_cast<off_t>(c_.where.file_offset() + bad_));
      CHILD_CHECK(other != MAP_FAILED);
      CHILD_CHECK(poison(other) == 0);
      munmap(other, granule);
    }
  }

  void access_plainly() {
    if (!c_.writes()) CHILD_CHECK(peek(scene_.region(), touched_) == 0);
    if (c_.writes()) poke(scene_.region(), touched_, 0x99);
  }

  void access_guarded() {
    unsigned char bytes[in_front + behind];
    memset(bytes, 0x42, sizeof bytes);
    unsigned char* const from = scene_.data() + bad_ - in_front;
    const size_t done = c_.writes() ? nosigbus_safe_write(from, bytes, sizeof bytes)
                                    : nosigbus_safe_read(bytes, from, sizeof bytes);
    const nosigbus_fault fault = *nosigbus_last_fault();
    CHILD_CHECK(done == (want_.absorbed ? sizeof bytes : in_front));
    CHILD_CHECK(fault.cause == want_.cause);
    CHILD_CHECK(fault.address == reinterpret_cast<uintptr_t>(scene_.data()) + bad_);
    CHILD_CHECK(fault.access == (c_.writes() ? NOSIGBUS_WRITE : NOSIGBUS_READ));
    CHILD_CHECK(fault.signo == SIGBUS);
    touched_ = bad_;
    for (size_t i = 0; i < sizeof bytes && !c_.writes(); ++i) {
      const bool is_there = i < in_front && !cut_away(bad_ - in_front + i);
      CHILD_CHECK(bytes[i] == (is_there ? scene_.marked(bad_ - in_front + i) : 0));
    }
    for (size_t i = 0; i < done && c_.writes(); ++i) {
      CHILD_CHECK(peek(scene_.region(), bad_ - in_front + i) == 0x42);
    }
  }

  bool cut_away(size_t offset) const { return c_.cause == NOSIGBUS_EOF && offset >= c_.where.cut(); }

  void check_status() {
    const auto status = scene_.region().status();
    CHILD_CHECK(status.overlaid == want_.absorbed);
    CHILD_CHECK(status.faults == (want_.absorbed ? 1 : 0));
    CHILD_CHECK(status.generation % 2 == (want_.absorbed ? 1 : 0));
    CHILD_CHECK(status.cause == (want_.absorbed ? want_.cause : NOSIGBUS_NONE));
    const size_t page = touched_ & ~(c_.where.granule() - 1);
    const size_t first = want_.cause == NOSIGBUS_EOF && c_.where.size_is_known() ? c_.where.cut() : page;
    CHILD_CHECK(status.first_bad_offset == (want_.absorbed ? first : UINT64_MAX));
  }

  // What a write left in the region never reached the file.
  void check_file() {
    CHILD_CHECK(scene_.region().status().file_size == size_before_);
    CHILD_CHECK(scene_.byte_of_file(touched_) == (c_.cause == NOSIGBUS_IO ? 0 : -1));
    const unsigned char front = scene_.marked(bad_ - in_front);
    const bool written = c_.what == access_kind::guarded_write && !c_.where.is_private;
    CHILD_CHECK(scene_.byte_of_file(bad_ - in_front) == (written ? 0x42 : front));
  }

  void check_memory() {
    const size_t granule = c_.where.granule();
    CHILD_CHECK(scene_.vmas() <= 3);
    CHILD_CHECK(scene_.is_marked(0, granule));
    // Around what was written.
    CHILD_CHECK(scene_.is_zero(bad_ + granule / 2 - 5, bad_ + granule / 2 - 4));
    CHILD_CHECK(peek(scene_.region(), bad_ + granule - 1) == 0);
    if (want_.cause == NOSIGBUS_EOF) {
      CHILD_CHECK(scene_.is_zero(bad_ + 2 * granule, c_.where.end()));
    } else {
      CHILD_CHECK(scene_.is_marked(bad_ + granule, c_.where.whole()));
    }
  }

  void heal() {
    // A mapping that met poison keeps it, whatever becomes of the file.
    if (c_.cause == NOSIGBUS_POISON && !want_.absorbed) return;
    const off_t begin = static_cast<off_t>(c_.where.file_offset() + bad_);
    const off_t size = static_cast<off_t>(c_.where.granule());
    if (want_.absorbed && c_.where.has_way_back()) CHILD_CHECK(scene_.region().refresh() == 0);
    if (c_.cause == NOSIGBUS_POISON) {
      CHILD_CHECK(fallocate(scene_.file().fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, begin, size) ==
                  0);
    }
    if (c_.cause == NOSIGBUS_IO) store_.make_room();
    scene_.make_whole();
    check_healed();
  }

  void check_healed() {
    const bool comes_back = !want_.absorbed || c_.where.has_way_back();
    const unsigned char before = peek(scene_.region(), touched_);
    CHILD_CHECK(scene_.region().refresh() == (comes_back ? 1 : -ENOTSUP));
    CHILD_CHECK(scene_.region().status().overlaid == !comes_back);
    if (!comes_back) {
      CHILD_CHECK(peek(scene_.region(), touched_) == before);
      return;
    }
    CHILD_CHECK(scene_.region().status().cause == NOSIGBUS_NONE);
    CHILD_CHECK(scene_.is_marked(bad_, c_.where.end()));
    CHILD_CHECK(peek(scene_.region(), touched_) == scene_.marked(touched_));
    // The kernel never joins mappings of huge pages.
    if (want_.absorbed) CHILD_CHECK(scene_.vmas() <= (c_.where.kind == file_kind::huge_pages ? 3 : 1));
  }

  const combination c_;
  const expectation want_;
  file_store& store_;
  region_scene scene_;
  const size_t bad_ = c_.where.bad();
  size_t touched_;
  uint64_t size_before_;
};

// Whether it ends as the table says.
bool is_as_expected(const combination& c, file_store& store) {
  const outcome result = in_child([&] {
    trial(c, store).run();
    return 0;
  });
  const int signal = expected(c).signal;
  if (result == (signal == 0 ? exited(0) : killed_by(signal))) return true;
  constexpr const char* accesses[] = {"read", "write", "guarded read", "guarded write"};
  dprintf(2, "%s: cause %d, flags %#x, %s: exit code %d, signal %d; signal %d expected\n",
          describe(c.where).data(), c.cause, c.policy, accesses[static_cast<int>(c.what)], result.exit_code,
          result.signo, signal);
  return false;
}

// One of so many where faults are slow: which, by no rule that a dimension could follow.
// Huge pages take long to clear: each way in gets its half of them.
bool is_sampled(unsigned index, file_kind kind, entry how) {
  const size_t step = sampling() * (kind == file_kind::huge_pages ? 2 : 1);
  return ((index * 0x9e3779b97f4a7c15u >> 40) + static_cast<size_t>(how)) % step == 0;
}

// Every combination of a kind and a cause. Returns how many were not as expected, at most 9.
int try_all(file_kind kind, nosigbus_cause cause, entry how) {
  file_store store(kind);
  enter_by(how);
  unsigned index = 0;
  int failures = 0;
  for_each_place(kind, [&](const region_place& where) {
    for (unsigned policy = 0; policy < 8; ++policy) {
      for (const access_kind what :
           {access_kind::read, access_kind::write, access_kind::guarded_read, access_kind::guarded_write}) {
        const combination c{where, cause, policy, what};
        if (failures == 9 || !is_worth_trying(c) || !is_sampled(index++, kind, how)) continue;
        if (!is_as_expected(c, store)) ++failures;
      }
    }
  });
  return failures;
}

void as_the_table_says(file_kind kind, nosigbus_cause cause) {
  static_assert((NOSIGBUS_DISCARD_WRITES | NOSIGBUS_ABSORB_IO | NOSIGBUS_ABSORB_POISON) == 7);
  if (!exists(kind) || (cause == NOSIGBUS_POISON && !can_poison())) return;
  const std::optional<huge_pages> pool = pages_for(kind);
  if (pool && !pool->granted()) return;
  for (const entry how : entries) {
    CAPTURE(static_cast<int>(how));
    CHECK(in_child([=] { return try_all(kind, cause, how); }, 300) == exited(0));
  }
}

}  // namespace

TEST_CASE("end of file: memory files") { as_the_table_says(file_kind::memory, NOSIGBUS_EOF); }
TEST_CASE("end of file: tmpfs") { as_the_table_says(file_kind::tmpfs, NOSIGBUS_EOF); }
TEST_CASE("end of file: disk") { as_the_table_says(file_kind::disk, NOSIGBUS_EOF); }
TEST_CASE("end of file: POSIX shared memory") { as_the_table_says(file_kind::posix_shm, NOSIGBUS_EOF); }
TEST_CASE("end of file: huge pages" NO_QEMU("it rounds to its own pages")) {
  as_the_table_says(file_kind::huge_pages, NOSIGBUS_EOF);
}

TEST_CASE("no space: tmpfs") { as_the_table_says(file_kind::tmpfs, NOSIGBUS_IO); }
TEST_CASE("no space: POSIX shared memory") { as_the_table_says(file_kind::posix_shm, NOSIGBUS_IO); }
TEST_CASE("no space: huge pages" NO_QEMU("it rounds to its own pages")) {
  as_the_table_says(file_kind::huge_pages, NOSIGBUS_IO);
}

// Not on disk: what was written out is dropped, and read again.
TEST_CASE("poison: memory files" NO_QEMU("no MADV_HWPOISON")) {
  as_the_table_says(file_kind::memory, NOSIGBUS_POISON);
}
TEST_CASE("poison: tmpfs" NO_QEMU("no MADV_HWPOISON")) {
  as_the_table_says(file_kind::tmpfs, NOSIGBUS_POISON);
}
TEST_CASE("poison: POSIX shared memory" NO_QEMU("no MADV_HWPOISON")) {
  as_the_table_says(file_kind::posix_shm, NOSIGBUS_POISON);
}
TEST_CASE("poison: huge pages" NO_QEMU("no MADV_HWPOISON")) {
  as_the_table_says(file_kind::huge_pages, NOSIGBUS_POISON);
}
