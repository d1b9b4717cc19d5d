// SPDX-License-Identifier: MIT
//
// Guards: plain code that stops at what is missing.
#include <nosigbus/nosigbus.hpp>

#include "../cut_file.h"

namespace storms {

namespace {

class guards : public task {
 public:
  explicit guards(uint64_t seed) : task(seed), to_(cut_file::pages * page) {}

  void round() override {
    file_.recut(random_);
    for (int i = 0; i < 64; ++i) {
      what_ = any_span(random_, file_.good(), file_.size());
      copied_ = 0;
      switch (below(4)) {
        case 0:
          expect_stop(by_function(), "nosigbus_guard");
          break;
        case 1:
          expect_stop(nosigbus::guard([this] { copy(); }, file_.at(), file_.size()).fault(), "guard");
          break;
        case 2:
          expect_stop(nested(), "the inner one of two guards");
          break;
        default:
          expect_stop(beside_another(), "the outer one of two guards");
          break;
      }
      expect(copied_ == what_.good, "bytes in front of a guard's fault");
      expect_bytes(to_.data(), file_.model() + what_.offset, what_.good, "what a guarded loop copied");
    }
  }

 private:
  // As a decoder reads.
  [[gnu::noinline]] void copy() {
    const volatile unsigned char* const from = file_.at() + what_.offset;
    volatile unsigned char* const to = to_.data();
    copied_ = 0;
    while (copied_ < what_.length) {
      to[copied_] = from[copied_];
      copied_ = copied_ + 1;
    }
  }
  nosigbus_fault by_function() {
    nosigbus_fault fault;
    const int result = nosigbus_guard(
        [](void* self) {
          static_cast<guards*>(self)->copy();
          return 1;
        },
        this, nullptr, 0, &fault);
    expect(result == (what_.meets() ? -EFAULT : 1), "nosigbus_guard's result");
    return fault;
  }
  // Both cover it.
  nosigbus_fault nested() {
    nosigbus_fault inner{};
    const auto outer = nosigbus::guard([&] {
      inner = nosigbus::guard([this] { copy(); }).fault();
      return 1;
    });
    expect(outer && *outer == 1, "the outer guard went on");
    return inner;
  }
  // The inner one covers something else.
  nosigbus_fault beside_another() {
    const auto outer = nosigbus::guard([this] {
      const auto inner = nosigbus::guard([this] { copy(); }, to_.data(), to_.size());
      return inner.error();
    });
    return outer.fault();
  }
  void expect_stop(const nosigbus_fault& fault, const char* what) {
    expect((fault.cause != NOSIGBUS_NONE) == what_.meets(), what);
    if (what_.meets()) expect(fault.address == reinterpret_cast<uintptr_t>(file_.at() + file_.good()), what);
    met_ += what_.meets();
  }

  cut_file file_;
  std::vector<unsigned char> to_;
  span what_{};
  volatile size_t copied_ = 0;
};

const registration g_guards{
    {"guard", "nosigbus_guard, nosigbus::guard, nested", 70, 2, install, make<guards>, absorbed}};

}  // namespace

}  // namespace storms
