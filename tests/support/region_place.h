// SPDX-License-Identifier: MIT
//
// Every way to put a region over a file of some kind, and the file that lies under it. For code in children.
//
// Offsets are the region's. Its first two granules are kept; what can become bad begins with the third.
#pragma once

#include <array>
#include <cstdio>

#include "file_kind.h"
#include "region_fixture.h"

namespace test {

struct region_place {
  file_kind kind;
  origin from;
  bool is_private, writable;
  bool at_offset;       // begins with the file's second granule, not its first
  bool reaches_beyond;  // is longer than the file ever was

  size_t granule() const { return granule_of(kind); }
  size_t file_offset() const { return at_offset ? granule() : 0; }
  size_t bad() const { return 2 * granule(); }
  // Of the file, when it is whole, as far as a region lies over it.
  size_t whole() const { return 4 * granule(); }
  // Of huge pages, no multiple of the page either, rounded up.
  size_t length() const { return end() - granule() / 2 - 100; }
  // The region with its last granule.
  size_t end() const { return granule() * (!reaches_beyond ? 4 : kind == file_kind::huge_pages ? 5 : 12); }
  // Where the file is cut off: files of huge pages cannot be so within a granule.
  size_t cut() const { return kind == file_kind::huge_pages ? bad() : bad() - 20; }
  int prot() const { return writable ? PROT_READ | PROT_WRITE : PROT_READ; }

  bool size_is_known() const { return from != origin::adopted_without_fd; }
  // Without a descriptor the way back is to duplicate a shared mapping and to set a private one aside, which
  // the kernel does not do of huge pages.
  bool has_way_back() const {
    static const bool duplicates = mappings_can_be_duplicated(), moves = private_mappings_come_back();
    return from != origin::adopted_without_fd ||
           (kind != file_kind::huge_pages && (is_private ? moves : duplicates));
  }
};

template <class Visit>
void for_each_place(file_kind kind, Visit visit) {
  for (unsigned bits = 0; bits < 16; ++bits) {
    for (const origin from : origins) {
      if (from == origin::adopted_without_fd && !granule_is_told(kind)) continue;
      visit(region_place{kind, from, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0});
    }
  }
}

inline std::array<char, 128> describe(const region_place& where) {
  constexpr const char* ways[] = {"mapped", "adopted with fd", "adopted without fd"};
  std::array<char, 128> text;
  snprintf(text.data(), text.size(), "%s, %s, %s, %s, offset %d, %s the file", name_of(where.kind),
           ways[static_cast<int>(where.from)], where.is_private ? "private" : "shared",
           where.writable ? "writable" : "read-only", where.at_offset,
           where.reaches_beyond ? "beyond" : "within");
  return text;
}

// A file and the region over it, whole as far as the file goes.
class region_scene {
 public:
  region_scene(const region_place& where, const file_store& store, unsigned policy)
      : where_(where), file_(store, where.file_offset() + where.whole()) {
    file_.mark(0, where.file_offset() + where.whole());
    region_ = make_region(where.from, file_.fd(), static_cast<off_t>(where.file_offset()), where.length(),
                          where.prot(), policy | (where.is_private ? NOSIGBUS_PRIVATE : 0u));
    CHILD_CHECK(is_marked(0, where.granule()));
  }

  nosigbus::region& region() { return region_; }
  unsigned char* data() const { return static_cast<unsigned char*>(region_.data()); }
  const marked_file& file() const { return file_; }

  // Sets the file's end to an offset of the region.
  void cut_off(size_t end) const { file_.resize(where_.file_offset() + end); }
  void mark(size_t begin, size_t end) const {
    file_.mark(where_.file_offset() + begin, where_.file_offset() + end);
  }
  void make_whole() const {
    cut_off(where_.end());
    mark(0, where_.end());
  }
  unsigned char marked(size_t offset) const { return file_.marked(where_.file_offset() + offset); }
  int byte_of_file(size_t offset) const { return file_.byte(where_.file_offset() + offset); }

  size_t vmas() const { return count_vmas_at_rest(data(), where_.length()); }

  // Reads at the beginning, amid, and at the end of each granule of [begin, end).
  bool is_marked(size_t begin, size_t end) const {
    return all_of(begin, end, [this](size_t i) { return peek(region_, i) == marked(i); });
  }
  bool is_zero(size_t begin, size_t end) const {
    return all_of(begin, end, [this](size_t i) { return peek(region_, i) == 0; });
  }

 private:
  template <class Is>
  bool all_of(size_t begin, size_t end, Is is) const {
    const size_t granule = where_.granule();
    for (size_t base = begin; base < end; base += granule) {
      for (const size_t at : {size_t{0}, size_t{5}, granule / 2, granule - 101}) {
        if (base + at < where_.length() && !is(base + at)) return false;
      }
    }
    return true;
  }

  region_place where_;
  marked_file file_;
  nosigbus::region region_;
};

}  // namespace test
