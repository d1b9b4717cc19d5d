// SPDX-License-Identifier: MIT
//
// Good memory that ends at a bad page, and what guarded operations say about that page. For code in
// children.
#pragma once

#include <nosigbus/copy.h>
#include <signal.h>

#include <cstring>

#include "child.h"
#include "entry.h"
#include "shared_file.h"

namespace test {

enum class badness { truncated, protected_page };
inline constexpr badness all_badness[] = {badness::truncated, badness::protected_page};

// Good pages, one bad page, and a good page behind it.
class arena {
 public:
  explicit arena(badness kind, size_t good_pages = 3) : kind_(kind), good_(good_pages * page_size()) {
    const size_t page = page_size();
    base_ = static_cast<unsigned char*>(
        mmap(nullptr, good_ + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHILD_CHECK(base_ != MAP_FAILED);
    if (kind == badness::truncated) {
      shared_file file(page);
      CHILD_CHECK(mmap(bad(), page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.fd(), 0) == bad());
      file.resize(0);
    } else {
      CHILD_CHECK(mprotect(bad(), page, PROT_NONE) == 0);
    }
  }
  ~arena() { munmap(base_, good_ + 2 * page_size()); }
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;

  unsigned char* base() const { return base_; }
  unsigned char* bad() const { return base_ + good_; }
  unsigned char* behind() const { return bad() + page_size(); }
  // Every good byte, those behind the bad page too.
  void fill(unsigned char byte) const {
    memset(base_, byte, good_);
    memset(behind(), byte, page_size());
  }

  // The record of the last operation is that of this byte of the bad page.
  void check_record(nosigbus_access access, const void* first_bad) const {
    const nosigbus_fault& fault = *nosigbus_last_fault();
    CHILD_CHECK(fault.cause == (kind_ == badness::truncated ? NOSIGBUS_MISSING : NOSIGBUS_PROTECTED));
    CHILD_CHECK(fault.address == reinterpret_cast<uintptr_t>(first_bad));
    CHILD_CHECK(fault.signo == (kind_ == badness::truncated ? SIGBUS : SIGSEGV));
    CHILD_CHECK(fault.access == access);
    CHILD_CHECK(fault.pc != 0);
    CHILD_CHECK(fault.granule == page_size());
  }

 private:
  badness kind_;
  size_t good_;
  unsigned char* base_;
};

inline bool met_nothing() { return nosigbus_last_fault()->cause == NOSIGBUS_NONE; }

}  // namespace test
