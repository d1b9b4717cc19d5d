// SPDX-License-Identifier: MIT
#include <nosigbus/nosigbus.hpp>

#include <algorithm>

#include "technique.h"

namespace peers {

namespace {

// Installed once for all of the process.
const struct sigaction* our_action() {
  static const struct sigaction ours = [] {
    struct sigaction before, installed;
    sigaction(SIGBUS, nullptr, &before);
    require(nosigbus::install() == 0);
    sigaction(SIGBUS, &before, &installed);
    return installed;
  }();
  return &ours;
}

class copying : public reader {
 public:
  copying(int fd, size_t size) : mapping_(fd, size) {}

  size_t read(unsigned char* to, size_t offset, size_t n) override {
    return nosigbus_safe_read(to, mapping_.base() + offset, n);
  }
  void touch(const uint32_t* pages, size_t count) override {
    unsigned char byte;
    for (size_t i = 0; i < count; ++i) nosigbus_safe_read(&byte, mapping_.base() + pages[i] * page, 1);
  }

 private:
  mapping mapping_;
};

class guarded_region : public reader {
 public:
  guarded_region(int fd, size_t size) {
    require(nosigbus_map(&region_, fd, 0, size, PROT_READ, 0) == 0);
    base_ = static_cast<unsigned char*>(nosigbus_region_data(region_));
  }
  ~guarded_region() override { nosigbus_region_release(region_); }

  size_t read(unsigned char* to, size_t offset, size_t n) override {
    const uint64_t begun = nosigbus_region_begin(region_);
    memcpy(to, base_ + offset, n);
    return nosigbus_region_end(region_, begun) == 0 ? n : good_of(offset, n);
  }
  void touch(const uint32_t* pages, size_t count) override { peek_pages(base_, pages, count); }
  void refresh() override { require(nosigbus_region_refresh(region_) >= 0); }

 private:
  size_t good_of(size_t offset, size_t n) const {
    struct nosigbus_region_status status;
    require(nosigbus_region_status(region_, &status, sizeof status) == 0);
    if (status.first_bad_offset <= offset) return 0;
    return std::min<uint64_t>(n, status.first_bad_offset - offset);
  }

  nosigbus_region* region_ = nullptr;
  unsigned char* base_;
};

class stopped : public reader {
 public:
  stopped(int fd, size_t size) : mapping_(fd, size) {}

  size_t read(unsigned char* to, size_t offset, size_t n) override {
    const auto result =
        nosigbus::guard([&] { memcpy(to, mapping_.base() + offset, n); }, mapping_.base(), mapping_.size());
    return result ? n : 0;
  }
  // Each by itself: a guard around all of them would stop at the first.
  void touch(const uint32_t* pages, size_t count) override {
    for (size_t i = 0; i < count; ++i) {
      (void)nosigbus::guard([&] { bench::peek(mapping_.base(), pages[i] * page); }, mapping_.base(),
                            mapping_.size());
    }
  }

 private:
  mapping mapping_;
};

std::vector<nosigbus_region*> g_enrolled;

void enroll_region(unsigned char* base, size_t size) {
  nosigbus_region* enrolled;
  require(nosigbus_adopt(&enrolled, base, size, -1, 0) == 0);
  g_enrolled.push_back(enrolled);
}
void dismiss_regions() {
  for (nosigbus_region* const enrolled : g_enrolled) nosigbus_region_release(enrolled);
  g_enrolled.clear();
}

}  // namespace

const technique safe_read{"nosigbus safe_read",    nullptr,       "`nosigbus_safe_read` of a plain mapping",
                          "nothing: it is copied", make<copying>, our_action};
const technique region{"nosigbus region",
                       nullptr,
                       "`nosigbus_map`, plain loads in `nosigbus_region_begin` and `_end`",
                       "any code",
                       make<guarded_region>,
                       our_action,
                       enroll_region,
                       dismiss_regions};
const technique guard{"nosigbus guard",
                      nullptr,
                      "`nosigbus::guard` around plain loads, for a byte by itself each",
                      "code that is called within it",
                      make<stopped>,
                      our_action};

}  // namespace peers
