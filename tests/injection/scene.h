// SPDX-License-Identifier: MIT
//
// A file with a region over it, for scenarios. For code in children.
#pragma once

#include <nosigbus/region.h>
#include <sys/mman.h>

#include <string>
#include <utility>
#include <vector>

#include "scenario.h"
#include "support/child.h"
#include "support/region_fixture.h"
#include "support/shared_file.h"

namespace test {

struct place {
  origin from = origin::mapped;
  unsigned flags = 0;
  int prot = PROT_READ;
  size_t pages = 4;

  bool is_private() const { return (flags & NOSIGBUS_PRIVATE) != 0; }
};

inline std::string describe(const place& where) {
  constexpr const char* ways[] = {"mapped", "adopted with fd", "adopted without fd"};
  std::string text = ways[static_cast<int>(where.from)];
  if (where.is_private()) text += " private";
  if ((where.prot & PROT_WRITE) != 0) text += " writable";
  if ((where.flags & NOSIGBUS_DISCARD_WRITES) != 0) text += " discarding";
  if ((where.flags & NOSIGBUS_CLIP) != 0) text += " clipped";
  if (where.pages != 4) text += " of " + std::to_string(where.pages) + " pages";
  return text;
}

// All places that there are, of four pages.
inline std::vector<place> all_places() {
  std::vector<place> all;
  for (const origin from : origins) {
    for (const unsigned is_private : {0u, unsigned{NOSIGBUS_PRIVATE}}) {
      all.push_back({from, is_private, PROT_READ, 4});
      all.push_back({from, is_private | NOSIGBUS_DISCARD_WRITES, PROT_READ | PROT_WRITE, 4});
    }
  }
  return all;
}

class scene {
 public:
  explicit scene(const place& where) : where_(where), file(where.pages * page_size()) {
    if (where.from == origin::mapped) {
      CHILD_CHECK(nosigbus_map(&region, file.fd(), 0, length(), where.prot, where.flags) == 0);
    } else {
      adopted_ = file.map(length(), where.prot, where.is_private() ? MAP_PRIVATE : MAP_SHARED);
      CHILD_CHECK(nosigbus_adopt(&region, adopted_, length(),
                                 where.from == origin::adopted_with_fd ? file.fd() : -1,
                                 where.flags & ~NOSIGBUS_PRIVATE) == 0);
    }
  }
  ~scene() {
    if (region != nullptr) CHILD_CHECK(release() == 0);
    if (adopted_ != nullptr) munmap(adopted_, length());
  }
  scene(const scene&) = delete;
  scene& operator=(const scene&) = delete;

  int release() { return nosigbus_region_release(std::exchange(region, nullptr)); }
  size_t length() const { return where_.pages * page_size(); }
  unsigned char* data() const { return static_cast<unsigned char*>(nosigbus_region_data(region)); }
  unsigned char* at_page(size_t n) const { return data() + n * page_size(); }
  // The first page is the file's. Where the rest could not be overlaid otherwise, all of a region is: zeros.
  bool front_is_right(const stage& on) const {
    return touch(data(), pattern(0)) == touch_right ||
           (on.mappings_failed() && touch(data(), 0) == touch_right);
  }
  // Only the first `pages` are left of the file.
  void cut_off(size_t pages) { file.resize(pages * page_size()); }
  void grow_back() {
    file.resize(length());
    file.draw();
  }

 private:
  const place where_;
  unsigned char* adopted_ = nullptr;

 public:
  shared_file file;
  nosigbus_region* region = nullptr;
};

}  // namespace test
