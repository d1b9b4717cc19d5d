// SPDX-License-Identifier: MIT
//
// Regions and copies against another process that cuts off their file at any moment.
#include <array>

#include "../contest.h"
#include "../mechanism.h"

namespace storms {

namespace {

std::unique_ptr<contest> g_contest;

void install_and_begin() {
  install();
  g_contest = std::make_unique<contest>(true);
}

class readers : public task {
 public:
  explicit readers(uint64_t seed) : task(seed), first_(g_first == nullptr) {
    if (first_) g_first = this;
  }

  void round() override {
    for (uint64_t wrong = g_contest->read(random_, buffer_); wrong > 0; --wrong)
      expect(false, "a byte in a contest");
  }
  void rest() override {
    if (first_) g_contest->rest();
  }
  void go_on() override {
    if (first_) g_contest->go_on();
  }

 private:
  static inline readers* g_first = nullptr;
  const bool first_;
  std::vector<unsigned char> buffer_;
};

const registration g_readers{{"contest", "regions and safe_read, another process truncates meanwhile", 10, 2,
                              install_and_begin, make<readers>, absorbed}};

}  // namespace

}  // namespace storms
