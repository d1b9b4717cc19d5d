// SPDX-License-Identifier: MIT
//
// Fibers: each fault is answered in each of the ways that a host has.
#include <array>
#include <nosigbus/fiber.hpp>
#include <nosigbus/nosigbus.hpp>

#include "../cut_file.h"

namespace storms {

namespace {

class fibers : public task {
 public:
  explicit fibers(uint64_t seed) : task(seed) {}

  // Eight faults to a fiber; then it is abandoned, or finishes.
  void round() override {
    file_.recut(random_);
    reads_ = 0;
    nosigbus::fiber reader([this] { read(); }, {file_.at(), file_.size(), size_t{64} << 10});
    auto stop = reader.resume();
    const bool finishes = below(2) == 0;
    for (size_t i = 1; i <= (finishes ? faults : faults - 1); ++i) {
      expect(stop.faulted() && stop.error() == 0, "a fiber stands at a fault");
      expect(stop.fault().address == reinterpret_cast<uintptr_t>(file_.at() + offset_),
             "where a fiber stands");
      stop = answer(reader);
      expect(reads_ == i, "how often a fiber has read");
    }
    expect(finishes ? stop.finished() : stop.faulted() && reader.abandon().abandoned(), "how a fiber ended");
    met_ += faults;
  }

 private:
  static constexpr size_t faults = 8;

  // In the fiber.
  void read() {
    while (reads_ < faults) {
      offset_ = file_.good() + below(file_.size() - file_.good());
      const unsigned char byte = const_cast<const volatile unsigned char*>(file_.at())[offset_];
      expect(byte == wanted_, "the byte that a fiber was given");
      ++reads_;
      // What was put in place of a page is there to stay: it is to be missing again.
      const size_t begin = offset_ / page * page;
      CHILD_CHECK(mmap(file_.at() + begin, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file_.fd(),
                       static_cast<off_t>(begin)) == file_.at() + begin);
    }
  }
  nosigbus::fiber_stop answer(nosigbus::fiber& reader) {
    wanted_ = static_cast<unsigned char>(random_());
    if (NOSIGBUS_STORM_SKIPS && below(2) == 0) return reader.skip(wanted_);
    std::array<std::byte, 64> bytes{};
    bytes.fill(std::byte{wanted_});
    if (offset_ % page >= bytes.size()) wanted_ = 0;
    return reader.fill(bytes);
  }

  size_t offset_ = 0, reads_ = 0;
  unsigned char wanted_ = 0;
  cut_file file_;
};

const registration g_fibers{{"fiber", "filled, skipped, abandoned", 10, 2, install, make<fibers>, absorbed}};

}  // namespace

}  // namespace storms
