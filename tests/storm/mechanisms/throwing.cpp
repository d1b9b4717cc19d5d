// SPDX-License-Identifier: MIT
//
// Faults as exceptions. gcc's, as <nosigbus/throwing_guard.hpp> says.
#include <nosigbus/nosigbus.hpp>
#include <nosigbus/throwing_guard.hpp>

#include "../cut_file.h"

namespace storms {

namespace {

class throwing : public task {
 public:
  explicit throwing(uint64_t seed) : task(seed), to_(cut_file::pages * page) {}

  void round() override {
    file_.recut(random_);
    for (int i = 0; i < 32; ++i) {
      what_ = any_span(random_, file_.good(), file_.size());
      copied_ = 0;
      destroyed_ = 0;
      bool caught = false;
      try {
        nosigbus::throwing_guard([this] { copy(); }, file_.at(), file_.size());
      } catch (const nosigbus::bus_error& error) {
        caught = true;
        expect(error.fault().address == reinterpret_cast<uintptr_t>(file_.at() + file_.good()),
               "where it threw");
      }
      expect(caught == what_.meets(), "whether it threw");
      expect(destroyed_ == 1, "destructors that ran");
      expect(copied_ == what_.good, "bytes in front of an exception");
      expect_bytes(to_.data(), file_.model() + what_.offset, what_.good,
                   "what was copied in front of an exception");
      met_ += what_.meets();
    }
  }

 private:
  [[gnu::noinline]] void copy() {
    struct counted {
      volatile int& count;
      ~counted() { count = count + 1; }
    } const here{destroyed_};
    const volatile unsigned char* const from = file_.at() + what_.offset;
    volatile unsigned char* const to = to_.data();
    copied_ = 0;
    while (copied_ < what_.length) {
      to[copied_] = from[copied_];
      copied_ = copied_ + 1;
    }
  }

  cut_file file_;
  std::vector<unsigned char> to_;
  span what_{};
  volatile size_t copied_ = 0;
  volatile int destroyed_ = 0;
};

const registration g_throwing{
    {"throwing_guard", "faults as exceptions, destructors", 10, 2, install, make<throwing>, absorbed}};

}  // namespace

}  // namespace storms
