// SPDX-License-Identifier: MIT
//
// Guarded scans, which find something or come to what is missing.
#include <nosigbus/nosigbus.hpp>

#include "../cut_file.h"

namespace storms {

namespace {

class scans : public task {
 public:
  explicit scans(uint64_t seed) : task(seed), other_(cut_file::pages * page), to_(cut_file::pages * page) {}

  void round() override {
    // In a page that is cut off in its middle there are zeros, which end a string.
    file_.recut(random_, true);
    memcpy(other_.data(), file_.model(), file_.good());
    for (int i = 0; i < 128; ++i) {
      what_ = any_span(random_, file_.good(), file_.size());
      at_ = file_.at() + what_.offset;
      switch (below(4)) {
        case 0:
          strnlen();
          break;
        case 1:
          strncpy();
          break;
        case 2:
          memchr();
          break;
        default:
          memcmp();
          break;
      }
    }
  }

 private:
  // Where it stopped, and whether at something missing.
  void expect_stop(size_t stopped, size_t wanted, bool met, const char* what) {
    expect(stopped == wanted, what);
    const nosigbus_fault& fault = *nosigbus_last_fault();
    expect((fault.cause != NOSIGBUS_NONE) == met, what);
    if (met) expect(fault.address == reinterpret_cast<uintptr_t>(file_.at() + file_.good()), what);
    met_ += met;
  }
  void strnlen() {
    const size_t length = nosigbus_safe_strnlen(reinterpret_cast<const char*>(at_), what_.length);
    expect_stop(length, what_.good, what_.meets(), "safe_strnlen");
  }
  void strncpy() {
    const size_t copied = nosigbus_safe_strncpy(to_.data(), reinterpret_cast<const char*>(at_), what_.length);
    expect_stop(copied, what_.good, what_.meets(), "safe_strncpy");
    expect_bytes(to_.data(), file_.model() + what_.offset, what_.good, "what safe_strncpy copied");
    expect_zeros(to_.data() + what_.good, what_.length - what_.good, "zeros behind what safe_strncpy copied");
  }
  void memchr() {
    // 0 is nowhere; the others are there once in 255 bytes.
    const int c = below(4) == 0 ? static_cast<int>(1 + below(255)) : 0;
    const auto* const model = file_.model() + what_.offset;
    const void* const found = what_.good == 0 ? nullptr : ::memchr(model, c, what_.good);
    const size_t wanted =
        found == nullptr ? what_.good : static_cast<size_t>(static_cast<const unsigned char*>(found) - model);
    expect_stop(nosigbus_safe_memchr(at_, c, what_.length), wanted, found == nullptr && what_.meets(),
                "safe_memchr");
  }
  void memcmp() {
    unsigned char* const other = other_.data() + what_.offset;
    const bool differs = what_.good > 0 && below(4) == 0;
    const size_t where = differs ? below(what_.good) : what_.good;
    if (differs) other[where] ^= 0x80;
    const size_t index = below(2) == 0 ? nosigbus_safe_memcmp(at_, other, what_.length)
                                       : nosigbus_safe_memcmp(other, at_, what_.length);
    expect_stop(index, where, !differs && what_.meets(), "safe_memcmp");
    if (differs) other[where] ^= 0x80;
  }

  cut_file file_;
  std::vector<unsigned char> other_;
  std::vector<char> to_;
  span what_{};
  const unsigned char* at_ = nullptr;
};

const registration g_scans{
    {"scan", "safe_strnlen, safe_strncpy, safe_memchr, safe_memcmp", 110, 2, install, make<scans>, absorbed}};

}  // namespace

}  // namespace storms
