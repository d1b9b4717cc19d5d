// SPDX-License-Identifier: MIT
//
// What the bytes of files and of regions are to be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fuzz::model {

size_t page_size();

struct file {
  int fd = -1;
  std::vector<uint8_t> bytes;

  // Pages that can be supplied.
  size_t pages() const { return (bytes.size() + page_size() - 1) / page_size(); }
  uint8_t at(size_t offset) const { return offset < bytes.size() ? bytes[offset] : 0; }
};

// A region's mapping at one address, page by page.
class place {
 public:
  place(const file& of, uint8_t* base, size_t first_page, size_t size, bool shared);

  uint8_t* base() const { return base_; }
  size_t size() const { return size_; }
  size_t pages() const { return pages_.size(); }
  const file& of() const { return *file_; }
  // Where a page lies in the file.
  size_t page_in_file(size_t page) const { return first_page_ + page; }

  bool overlaid(size_t page) const { return pages_[page].overlaid; }
  bool any_overlaid() const;
  bool missing(size_t page) const { return !overlaid(page) && page_in_file(page) >= file_->pages(); }
  // Of the file in the region, as its size is now.
  size_t bytes_within() const;

  // Somebody reads, or writes where writes are discarded: what is missing is overlaid. Returns whether it
  // was.
  bool touch(size_t page);
  uint8_t read(size_t offset) const;
  // Of a page that is there: to the file (the caller's to do, if it is shared), or to a copy.
  void write(size_t offset, uint8_t value);
  bool writes_reach_the_file(size_t offset) const { return shared_ && !overlaid(offset / page_size()); }

  // The file has been cut off: copies of what is gone are gone.
  void cut_off();
  void refresh();
  void resize(size_t size);
  uint64_t first_bad() const { return first_bad_; }

 private:
  struct page_state {
    bool overlaid = false;
    std::vector<uint8_t> own;  // written to an overlay, or to a private copy; empty: zeros, or the file's
  };

  unsigned overlays() const;

  const file* file_;
  uint8_t* base_;
  size_t first_page_, size_;
  bool shared_;
  std::vector<page_state> pages_;
  unsigned isolated_ = 0;  // overlays that touched no other, since there was none
  uint64_t first_bad_ = UINT64_MAX;
};

}  // namespace fuzz::model
