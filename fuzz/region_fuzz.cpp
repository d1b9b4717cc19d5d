// SPDX-License-Identifier: MIT
//
// A random program of files that are cut off, grow, get holes and are written to, and of regions of them,
// against a model of what every byte is to be (region/model.h).
#include <fcntl.h>
#include <nosigbus/runtime.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "region/actor.h"
#include "support/check.h"
#include "support/child.h"
#include "support/features.h"
#include "support/input.h"

namespace {

using namespace fuzz;
using model::page_size;

constexpr size_t most_pages = 9;

class program {
 public:
  explicit program(input& from) : from_(from) {
    for (model::file& each : files_) {
      each.fd = memfd_create("fuzz", MFD_CLOEXEC);
      FUZZ_CHECK(each.fd >= 0);
      resize(each, length());
    }
  }
  ~program() {
    actors_ = {};
    for (const model::file& each : files_) close(each.fd);
  }
  program(const program&) = delete;
  program& operator=(const program&) = delete;

  void run() {
    constexpr int most_steps = 64;
    for (int i = 0; i < most_steps && !from_.empty(); ++i) step();
    for (auto& each : actors_) {
      if (each) each->check();
    }
    check_counts();
  }

 private:
  enum class action {
    map,
    truncate,
    grow,
    punch,
    write_file,
    read,
    read_guarded,
    write,
    write_guarded,
    resize,
    refresh,
    prefault,
    status,
    release,
    fork
  };
  static constexpr action actions[] = {
      action::map,     action::truncate,     action::grow,   action::punch,   action::write_file,
      action::read,    action::read_guarded, action::write,  action::resize,  action::write_guarded,
      action::refresh, action::prefault,     action::status, action::release, action::fork};

  // Pages and their edges, and anything else.
  size_t length() {
    const size_t pages = from_.below(most_pages);
    switch (from_.below(4)) {
      case 0:
        return pages * page_size() + from_.below(page_size());
      case 1:
        return pages * page_size() + 1;
      default:
        return pages * page_size();
    }
  }
  model::file& file() { return files_[from_.below(files_.size())]; }
  // A part of so many bytes.
  struct part {
    size_t begin, length;
  };
  part part_of(size_t size) {
    const size_t begin = std::min(length(), size - 1);
    return {begin, 1 + std::min(length(), size - begin - 1)};
  }

  void step() {
    const action what = from_.pick(actions);
    auto& slot = actors_[from_.below(actors_.size())];
    switch (what) {
      case action::map:
        return make(slot);
      case action::truncate:
      case action::grow:
        return resize(file(), length());
      case action::punch:
        return punch(file());
      case action::write_file:
        return write(file());
      case action::fork:
        return in_a_child();
      default:
        if (slot) act(what, slot);
    }
  }

  void act(action what, std::unique_ptr<actor>& slot) {
    actor& on = *slot;
    const part some = part_of(on.size());
    switch (what) {
      case action::read:
      case action::read_guarded:
        return read(on, what == action::read_guarded);
      case action::write:
      case action::write_guarded:
        return on.write(some.begin, some.length, from_.byte(), what == action::write_guarded);
      case action::resize:
        return on.resize(1 + length());
      case action::refresh:
        return on.refresh();
      case action::prefault:
        return on.prefault(some.begin, some.length);
      case action::release:
        slot.reset();
        return;
      default:
        return on.check_status();
    }
  }
  void read(actor& on, bool guarded) {
    const size_t where = from_.below(on.places());
    on.read(where, 0, 1, guarded);
    on.check_status();
    const part some = part_of(on.place_size(where));
    on.read(where, some.begin, some.length, guarded);
  }

  void make(std::unique_ptr<actor>& slot) {
    slot.reset();
    region_kind kind{};
    const unsigned bits = from_.byte();
    kind.adopted = (bits & 1) != 0;
    kind.shared = (bits & 2) == 0;
    kind.writable = (bits & 4) != 0;
    kind.discards = (bits & 8) != 0;
    // Of private mappings without one the model would be the kernel's.
    kind.with_descriptor = !kind.adopted || !kind.shared || (bits & 16) == 0;
    kind.clips = kind.with_descriptor && (bits & 32) != 0;
    kind.first_page = from_.below(3);
    kind.size = 1 + length();
    slot = std::make_unique<actor>(file(), kind);
  }

  void resize(model::file& of, size_t size) {
    const bool shorter = size < of.bytes.size();
    FUZZ_CHECK(ftruncate(of.fd, static_cast<off_t>(size)) == 0);
    of.bytes.resize(size);
    FUZZ_TRACE("file %d: %zu bytes\n", of.fd, size);
    for (auto& each : actors_) {
      if (shorter && each && &each->of() == &of) each->file_cut_off();
    }
  }
  void punch(model::file& of) {
    if (of.bytes.empty()) return;
    const part some = part_of(of.bytes.size());
    const int error = fallocate(of.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                static_cast<off_t>(some.begin), static_cast<off_t>(some.length));
    FUZZ_CHECK(error == 0);
    FUZZ_TRACE("file %d: hole %zu+%zu\n", of.fd, some.begin, some.length);
    std::fill_n(of.bytes.begin() + static_cast<ptrdiff_t>(some.begin), some.length, 0);
  }
  void write(model::file& of) {
    const size_t begin = length();
    const std::vector<uint8_t> bytes(1 + length(), from_.byte());
    const auto written = pwrite(of.fd, bytes.data(), bytes.size(), static_cast<off_t>(begin));
    FUZZ_CHECK(written == static_cast<ssize_t>(bytes.size()));
    FUZZ_TRACE("file %d: write %d to %zu+%zu\n", of.fd, bytes[0], begin, bytes.size());
    of.bytes.resize(std::max(of.bytes.size(), begin + bytes.size()));
    std::copy(bytes.begin(), bytes.end(), of.bytes.begin() + static_cast<ptrdiff_t>(begin));
  }

  // It has its own overlays, and can heal and end them. Once: it takes longer than all the rest.
  void in_a_child() {
    if (forked_) return;
    forked_ = true;
    const int status = run_in_child([this] {
      for (auto& each : actors_) {
        if (!each) continue;
        each->check();
        each->refresh();
        each->check();
        each.reset();
      }
      check_counts();
    });
    FUZZ_CHECK_EQUAL(status, 0);
  }

  void check_counts() const {
    struct nosigbus_stats now;
    FUZZ_CHECK_EQUAL(nosigbus_stats(&now, sizeof now), 0);
    const auto live =
        std::count_if(actors_.begin(), actors_.end(), [](const auto& each) { return each != nullptr; });
    FUZZ_CHECK_EQUAL(now.regions, static_cast<uint64_t>(live));
  }

  input& from_;
  std::array<model::file, 2> files_;
  std::array<std::unique_ptr<actor>, 3> actors_;
  bool forked_ = false;
};

// Of what every descriptor that is kept takes.
int lowest_descriptor() {
  const int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
  FUZZ_CHECK(fd >= 0);
  close(fd);
  return fd;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const int g_installed = nosigbus_install(NOSIGBUS_CATCH_SEGV);
  FUZZ_CHECK_EQUAL(g_installed, 0);
  reached(0);
  const int before = lowest_descriptor();
  input from(data, size);
  program(from).run();
  FUZZ_CHECK_EQUAL(lowest_descriptor(), before);
  return 0;
}
