// SPDX-License-Identifier: MIT
//
// Good memory with a bad page in its middle. For code in children.
#pragma once

#include <nosigbus/fault.h>
#include <signal.h>

#include "operation.h"
#include "support/child.h"
#include "support/shared_file.h"

namespace test {

enum class badness { truncated, protected_page, unmapped };
inline constexpr badness all_badness[] = {badness::truncated, badness::protected_page, badness::unmapped};

inline int signal_of(badness kind) { return kind == badness::truncated ? SIGBUS : SIGSEGV; }
inline nosigbus_cause cause_of(badness kind) {
  switch (kind) {
    case badness::truncated:
      return NOSIGBUS_MISSING;
    case badness::protected_page:
      return NOSIGBUS_PROTECTED;
    default:
      return NOSIGBUS_UNMAPPED;
  }
}

// A good page, a bad one, a good one.
class arena {
 public:
  explicit arena(badness kind) {
    const size_t page = page_size();
    base_ = static_cast<unsigned char*>(
        mmap(nullptr, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHILD_CHECK(base_ != MAP_FAILED);
    if (kind == badness::truncated) {
      shared_file file(page);
      CHILD_CHECK(mmap(bad(), page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.fd(), 0) == bad());
      file.resize(0);
    } else if (kind == badness::protected_page) {
      CHILD_CHECK(mprotect(bad(), page, PROT_NONE) == 0);
    } else {
      CHILD_CHECK(munmap(bad(), page) == 0);
    }
    draw();
  }

  unsigned char* good() const { return base_; }
  unsigned char* bad() const { return base_ + page_size(); }
  unsigned char* behind() const { return base_ + 2 * page_size(); }
  void draw() {
    for (unsigned char* const page : {good(), behind()}) {
      for (size_t i = 0; i < page_size(); ++i) page[i] = static_cast<unsigned char>(pattern_at(page + i, 1));
    }
  }

 private:
  unsigned char* base_;
};

}  // namespace test
