// SPDX-License-Identifier: MIT
//
// The kinds of files that are shared, where they live, and how little of them has to be written to tell every
// page. For code in children, unless noted.
#pragma once

#include <optional>

#include "small_filesystem.h"

namespace test {

enum class file_kind { memory, tmpfs, disk, posix_shm, huge_pages };

const char* name_of(file_kind kind);
// The unit in which its mappings can be changed. 0: the kernel has no huge pages. For any process.
size_t granule_of(file_kind kind);
// Says why, if this machine has no such files. For the test's own process.
bool exists(file_kind kind);
// Whether the kernel tells what is mapped at an address, since Linux 6.11 (PROCMAP_QUERY). Before, all
// mappings have to be read.
bool mappings_are_told();
// Whether it tells the granule of a mapping. Regions need it where they have no descriptor to ask.
bool granule_is_told(file_kind kind);

// Pages for the machine's default pool of huge pages, while it lives. Processes that want some wait for each
// other. For the test's own process.
class huge_pages {
 public:
  explicit huge_pages(size_t count);
  ~huge_pages();
  huge_pages(const huge_pages&) = delete;
  huge_pages& operator=(const huge_pages&) = delete;
  bool granted() const { return granted_; }

 private:
  int pool_;
  size_t before_ = 0;
  bool granted_;
};

// Those that a kind of files takes, if it takes any.
inline std::optional<huge_pages> pages_for(file_kind kind) {
  if (kind != file_kind::huge_pages) return std::nullopt;
  return std::optional<huge_pages>(std::in_place, 16);
}

// Where files of a kind live. Mounts what it takes.
class file_store {
 public:
  explicit file_store(file_kind kind);

  file_kind kind() const { return kind_; }
  // A new file without a name.
  int create() const;
  // Only of tmpfs, posix_shm and huge_pages: whether a hole has a page to be had.
  void fill();
  void make_room();

 private:
  file_kind kind_;
  std::optional<small_filesystem> mounted_;
  void* ballast_ = nullptr;
  size_t ballast_size_ = 0;
};

// A file of which the beginning and the end of every granule are drawn, and nothing else.
class marked_file {
 public:
  marked_file(const file_store& store, size_t size)
      : fd_(store.create()), granule_(granule_of(store.kind())) {
    resize(size);
  }
  ~marked_file() { close(fd_); }
  marked_file(const marked_file&) = delete;
  marked_file& operator=(const marked_file&) = delete;

  int fd() const { return fd_; }
  void resize(size_t size) const;
  // Draws [begin, end), whole granules within the file.
  void mark(size_t begin, size_t end) const;
  // What the file has there; -1 behind its end, and where it cannot be read.
  int byte(size_t offset) const;
  // What mark draws there.
  unsigned char marked(size_t offset) const {
    const size_t at = offset % granule_;
    return at < drawn_ || at >= granule_ - drawn_ ? pattern(offset) : 0;
  }

 private:
  static constexpr size_t drawn_ = 128;
  int fd_;
  size_t granule_;
};

}  // namespace test
