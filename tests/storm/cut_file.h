// SPDX-License-Identifier: MIT
//
// Memory that is missing from some place on, and a model of what each byte of it is. For one thread.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "../support/child.h"
#include "../support/shared_file.h"
#include "mechanism.h"

namespace storms {

inline const size_t page = test::page_size();

// Bytes that are never 0, other ones at each place.
inline const unsigned char* any_bytes(random_source& random, size_t length) {
  // There until the process is gone: threads go on while it exits.
  static const std::vector<unsigned char>& pool = *[] {
    auto* const bytes = new std::vector<unsigned char>(size_t{1} << 17);
    random_source fixed(1);
    for (unsigned char& byte : *bytes) byte = static_cast<unsigned char>(1 + fixed() % 255);
    return bytes;
  }();
  return pool.data() + random() % (pool.size() - length);
}

class cut_file {
 public:
  enum class how { truncated, forbidden };
  static constexpr size_t pages = 4;

  explicit cut_file(how kind = how::truncated)
      : kind_(kind),
        size_(pages * page),
        file_(size_),
        at_(file_.map(size_, PROT_READ | PROT_WRITE)),
        model_(size_) {}
  ~cut_file() { munmap(at_, size_); }
  cut_file(const cut_file&) = delete;
  cut_file& operator=(const cut_file&) = delete;

  unsigned char* at() const { return at_; }
  size_t size() const { return size_; }
  int fd() const { return file_.fd(); }
  // What is there: [0, good()).
  unsigned char* model() { return model_.data(); }
  size_t good() const { return good_; }

  // Other bytes, and another end: at a page's if `aligned`. A page at least is good, one at least is missing.
  void recut(random_source& random, bool aligned = false) {
    const size_t end = aligned ? (1 + random() % (pages - 1)) * page : 1 + random() % ((pages - 1) * page);
    fill(random);
    cut(end);
  }
  // All of it, and other bytes.
  void fill(random_source& random) {
    if (kind_ == how::forbidden) CHILD_CHECK(mprotect(at_, size_, PROT_READ | PROT_WRITE) == 0);
    memcpy(model(), any_bytes(random, size_), size_);
    CHILD_CHECK(pwrite(fd(), model(), size_, 0) == static_cast<ssize_t>(size_));
    good_ = size_;
  }
  void cut(size_t end) {
    good_ = (end + page - 1) / page * page;
    if (kind_ == how::forbidden) {
      CHILD_CHECK(good_ == size_ || mprotect(at_ + good_, size_ - good_, PROT_NONE) == 0);
      return;
    }
    CHILD_CHECK(ftruncate(fd(), static_cast<off_t>(end)) == 0);
    memset(model() + end, 0, good_ - end);
  }

 private:
  how kind_;
  size_t size_;
  test::shared_file file_;
  unsigned char* at_;
  std::vector<unsigned char> model_;
  size_t good_ = 0;
};

// What an operation is given: one that begins in what is good, or where it ends, and reaches behind it; one
// in sixteen ends before that. Most are short, some as long as there is room.
struct span {
  size_t offset, length, good;
  bool meets() const { return good < length; }
};
inline span any_span(random_source& random, size_t good, size_t size) {
  const size_t most = random() % 8 == 0 ? size : 400;
  const size_t front = random() % std::min(good + 1, most), offset = good - front;
  if (random() % 16 == 0) {
    const size_t length = random() % (front + 1);
    return {offset, length, length};
  }
  return {offset, front + 1 + random() % std::min(size - good, most), front};
}

}  // namespace storms
