// SPDX-License-Identifier: MIT
//
// Guarded copies, onwards from what is good into what is missing.
#include <signal.h>

#include <nosigbus/nosigbus.hpp>

#include "../cut_file.h"

namespace storms {

namespace {

using how = cut_file::how;

constexpr int operations_of_a_round = 128;
constexpr unsigned char untouched = 0xee;

void expect_fault_at(const unsigned char* first_bad, bool met) {
  const nosigbus_fault& fault = *nosigbus_last_fault();
  expect((fault.cause != NOSIGBUS_NONE) == met, "whether there was a fault");
  if (met) expect(fault.address == reinterpret_cast<uintptr_t>(first_bad), "where the fault was");
}

template <how kind>
class reads : public task {
 public:
  explicit reads(uint64_t seed) : task(seed), file_(kind), to_(file_.size() + 1) {}

  void round() override {
    file_.recut(random_);
    for (int i = 0; i < operations_of_a_round; ++i) {
      const span what = any_span(random_, file_.good(), file_.size());
      to_[what.length] = untouched;
      const size_t copied = nosigbus_safe_read(to_.data(), file_.at() + what.offset, what.length);
      expect_fault_at(file_.at() + file_.good(), what.meets());
      expect(copied == what.good, "bytes that safe_read copied");
      expect_bytes(to_.data(), file_.model() + what.offset, what.good, "what safe_read copied");
      expect_zeros(to_.data() + what.good, what.length - what.good, "zeros behind what safe_read copied");
      expect(to_[what.length] == untouched, "what lies behind safe_read's destination");
      met_ += what.meets();
    }
  }

 private:
  cut_file file_;
  std::vector<unsigned char> to_;
};

template <how kind>
class writes : public task {
 public:
  explicit writes(uint64_t seed) : task(seed), file_(kind) {}

  void round() override {
    file_.recut(random_);
    for (int i = 0; i < operations_of_a_round; ++i) {
      const span what = any_span(random_, file_.good(), file_.size());
      const size_t written = below(4) == 0 ? fill(what) : write(what);
      expect_fault_at(file_.at() + file_.good(), what.meets());
      expect(written == what.good, "bytes that were written");
      expect_bytes(file_.at() + what.offset, file_.model() + what.offset, what.good, "what was written");
      met_ += what.meets();
    }
    expect_bytes(file_.at(), file_.model(), file_.good(), "what is in the file in the end");
  }

 private:
  size_t write(const span& what) {
    const unsigned char* const from = any_bytes(random_, what.length);
    memcpy(file_.model() + what.offset, from, what.good);
    return nosigbus_safe_write(file_.at() + what.offset, from, what.length);
  }
  size_t fill(const span& what) {
    const int byte = static_cast<int>(below(256));
    memset(file_.model() + what.offset, byte, what.good);
    return nosigbus_safe_fill(file_.at() + what.offset, byte, what.length);
  }

  cut_file file_;
};

// Either side may end first.
class both_sides : public task {
 public:
  explicit both_sides(uint64_t seed) : task(seed) {}

  void round() override {
    from_.recut(random_);
    to_.recut(random_);
    for (int i = 0; i < operations_of_a_round; ++i) {
      const span source = any_span(random_, from_.good(), from_.size());
      const span destination = any_span(random_, to_.good(), to_.size());
      const size_t length = std::min(source.length, destination.length);
      const size_t good = std::min({source.good, destination.good, length});
      const size_t copied =
          nosigbus_safe_copy(to_.at() + destination.offset, from_.at() + source.offset, length);
      expect(copied == good, "bytes that safe_copy copied");
      unsigned char* const model = to_.model() + destination.offset;
      memcpy(model, from_.model() + source.offset, good);
      if (good < length && source.good == good)
        memset(model + good, 0, std::min(length, destination.good) - good);
      expect_bytes(to_.at() + destination.offset, model, std::min(length, destination.good),
                   "what safe_copy left");
      met_ += good < length;
    }
    expect_bytes(to_.at(), to_.model(), to_.good(), "what is in the destination in the end");
    expect_bytes(from_.at(), from_.model(), from_.good(), "what is in the source in the end");
  }

 private:
  cut_file from_, to_;
};

class rectangles : public task {
 public:
  explicit rectangles(uint64_t seed) : task(seed), memory_(cut_file::pages * page) {}

  void round() override {
    file_.recut(random_);
    for (int i = 0; i < operations_of_a_round; ++i) {
      const size_t width = 1 + below(48), rows = 1 + below(12), bad = width + below(100),
                   good = width + below(100);
      // As many rows in front of the end as it happens.
      const size_t front = std::min(below(rows * bad + 1), file_.good());
      offset_ = file_.good() - front;
      const size_t fit = (file_.size() - offset_ - width) / bad + 1;
      if (below(2) == 0) {
        read(width, std::min(rows, fit), bad, good);
      } else {
        write(width, std::min(rows, fit), bad, good);
      }
    }
  }

 private:
  // Bytes of row i that are not missing.
  size_t good_of(size_t i, size_t width, size_t stride) const {
    const size_t at = offset_ + i * stride;
    return at >= file_.good() ? 0 : std::min(width, file_.good() - at);
  }
  void read(size_t width, size_t rows, size_t from_stride, size_t to_stride) {
    memset(memory_.data(), untouched, rows * to_stride);
    const size_t copied =
        nosigbus_safe_read_2d(memory_.data(), static_cast<ptrdiff_t>(to_stride), file_.at() + offset_,
                              static_cast<ptrdiff_t>(from_stride), width, rows);
    size_t wanted = 0;
    bool met = false;
    for (size_t i = 0; i < rows; ++i) {
      const size_t good = met ? 0 : good_of(i, width, from_stride);
      const unsigned char* const row = memory_.data() + i * to_stride;
      expect_bytes(row, file_.model() + offset_ + i * from_stride, good, "a row that was read");
      expect_zeros(row + good, width - good, "zeros of a row that was not");
      if (i + 1 < rows && to_stride > width) expect(row[width] == untouched, "a gap between rows");
      met = met || good < width;
      wanted += good;
    }
    expect(copied == wanted, "bytes of rows that were read");
    met_ += met;
  }
  void write(size_t width, size_t rows, size_t to_stride, size_t from_stride) {
    const unsigned char* const from = any_bytes(random_, rows * from_stride);
    const size_t written = nosigbus_safe_write_2d(file_.at() + offset_, static_cast<ptrdiff_t>(to_stride),
                                                  from, static_cast<ptrdiff_t>(from_stride), width, rows);
    size_t wanted = 0;
    bool met = false;
    for (size_t i = 0; i < rows && !met; ++i) {
      const size_t good = good_of(i, width, to_stride);
      memcpy(file_.model() + offset_ + i * to_stride, from + i * from_stride, good);
      met = good < width;
      wanted += good;
    }
    expect(written == wanted, "bytes of rows that were written");
    expect_bytes(file_.at() + offset_, file_.model() + offset_, file_.good() - offset_,
                 "rows that were written");
    met_ += met;
  }

  cut_file file_;
  std::vector<unsigned char> memory_;
  size_t offset_ = 0;
};

void install_for_both() { CHILD_CHECK(nosigbus_install(NOSIGBUS_CATCH_SEGV) == 0); }

// An embedder's handler, which asks ours.
void be_asked() {
  struct sigaction action {};
  action.sa_sigaction = [](int signo, siginfo_t* info, void* context) {
    if (nosigbus_handle_signal(signo, info, context) == 0) signal(signo, SIG_DFL);
  };
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  CHILD_CHECK(sigaction(SIGBUS, &action, nullptr) == 0);
}

struct sigaction g_ours;
// A handler on top of ours, which hands everything on.
void be_displaced() {
  install();
  struct sigaction action {};
  action.sa_sigaction = [](int signo, siginfo_t* info, void* context) {
    g_ours.sa_sigaction(signo, info, context);
  };
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  CHILD_CHECK(sigaction(SIGBUS, &action, &g_ours) == 0);
}

const registration g_all[] = {
    registration{{"read", "safe_read", 129, 2, install, make<reads<how::truncated>>, absorbed}},
    registration{{"write", "safe_write, safe_fill", 90, 2, install, make<writes<how::truncated>>, absorbed}},
    registration{{"copy", "safe_copy, both sides cut off", 80, 2, install, make<both_sides>, absorbed}},
    registration{{"rows", "safe_read_2d, safe_write_2d", 80, 2, install, make<rectangles>, absorbed}},
    registration{{"segv_read", "safe_read of pages without access, SIGSEGV", 10, 2, install_for_both,
                  make<reads<how::forbidden>>, absorbed}},
    registration{{"segv_write", "safe_write to pages without access, SIGSEGV", 10, 2, install_for_both,
                  make<writes<how::forbidden>>, absorbed}},
    registration{{"first_chance", "safe_read, an embedder's handler asks ours", 20, 2, be_asked,
                  make<reads<how::truncated>>, absorbed}},
    registration{{"displaced", "safe_read, a handler on top of ours hands on", 10, 2, be_displaced,
                  make<reads<how::truncated>>, absorbed}},
};

}  // namespace

}  // namespace storms
