// SPDX-License-Identifier: MIT
//
// The part of a program that changes mappings: calls as they come, at addresses that are the same in every
// process, and what is in memory afterwards.
#pragma once

#include <cstddef>
#include <cstdint>

#include "support/input.h"

namespace fuzz {

class mappings {
 public:
  // plain: what is missing is fatal, so it is not read but asked for, and said to be zeros.
  mappings(input& from, bool plain);
  mappings(const mappings&) = delete;
  mappings& operator=(const mappings&) = delete;

  void step();
  // may_fault: nothing but zeros comes of a fault.
  void read_some(bool may_fault);
  void read_all(bool may_fault);

 private:
  static constexpr size_t pages = 24, files = 2, most_file_pages = 6;

  // What the calls so far have made of a page, as far as their results tell.
  struct page_state {
    bool mapped = false, of_file = false;
    int prot = 0;
    unsigned file = 0;
    size_t page_in_file = 0;
  };
  struct range {
    size_t first, count;
  };

  uint8_t* address(size_t page) const;
  range some_pages();
  int some_prot();
  bool missing(const page_state& page) const;
  uint64_t read(size_t page, size_t offset, bool may_fault) const;
  void set(range where, const page_state& what);
  void map_file();
  void map_anonymous();
  void map_elsewhere();
  void unmap();
  void protect();
  void remap();
  void write();
  void cut_off();
  void nonsense();

  input& from_;
  const bool plain_;
  const size_t page_size_;
  page_state pages_[pages];
  int fds_[files];
  size_t file_sizes_[files];
};

// Appends to the log.
void tell(uint64_t what);
// What a call returned, and errno if it failed.
void tell_result(long result);

}  // namespace fuzz
