// SPDX-License-Identifier: MIT
//
// The journal as its reader has it.
#pragma once

#include <src/preload/journal.h>

#include <string>

namespace nosigbus::run {

// Made here, filled by the processes that are started.
class journal_file {
 public:
  journal_file();  // throws failure
  ~journal_file();
  journal_file(const journal_file&) = delete;
  journal_file& operator=(const journal_file&) = delete;

  // For other processes, as long as this one lives.
  std::string path() const;
  preload::journal& operator*() const { return *journal_; }
  preload::journal* operator->() const { return journal_; }

  // Lets the thread go on whose record that is: its callers are known.
  void tell_named(size_t record) const;

  // Returns when `news` is no longer what it was, or after a signal, or so long (0: without limit).
  void wait(uint32_t news, unsigned milliseconds) const;

 private:
  int fd_;
  preload::journal* journal_;
};

// As futex(2), or for a moment where that is refused; shared: with other processes. milliseconds: 0 without
// limit.
void futex_wait(std::atomic<uint32_t>& word, uint32_t value, bool shared, unsigned milliseconds = 0);

}  // namespace nosigbus::run
