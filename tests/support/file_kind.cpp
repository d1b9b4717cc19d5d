// SPDX-License-Identifier: MIT
#include "file_kind.h"

#include <doctest/doctest.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

namespace test {

namespace {

constexpr const char* shm_folder = "/dev/shm";
constexpr size_t filesystem_pages = 64;

size_t read_number(int fd) {
  char text[32] = {};
  return pread(fd, text, sizeof text - 1, 0) > 0 ? strtoul(text, nullptr, 10) : 0;
}

void write_number(int fd, size_t number) {
  const std::string text = std::to_string(number);
  // What the kernel makes of it is read again.
  if (pwrite(fd, text.data(), text.size(), 0) < 0) perror("nr_hugepages");
}

size_t huge_page_size() {
  const int fd = memfd_create("nosigbus-test", MFD_CLOEXEC | MFD_HUGETLB);
  struct statfs filesystem {};
  const bool known = fd >= 0 && fstatfs(fd, &filesystem) == 0;
  if (fd >= 0) close(fd);
  return known ? static_cast<size_t>(filesystem.f_bsize) : 0;
}

int named(int fd, const char* name, int (*remove)(const char*)) {
  CHILD_CHECK(fd >= 0);
  CHILD_CHECK(remove(name) == 0);
  return fd;
}

}  // namespace

const char* name_of(file_kind kind) {
  constexpr const char* names[] = {"memory file", "tmpfs", "disk", "POSIX shared memory", "huge pages"};
  return names[static_cast<int>(kind)];
}

size_t granule_of(file_kind kind) {
  static const size_t huge = huge_page_size();
  return kind == file_kind::huge_pages ? huge : page_size();
}

bool exists(file_kind kind) {
  if ((kind == file_kind::tmpfs && !file_systems_can_be_mounted()) ||
      (kind == file_kind::posix_shm && !file_systems_can_be_mounted(shm_folder))) {
    MESSAGE("skipped: file systems cannot be mounted here");
    return false;
  }
  if (granule_of(kind) == 0) {
    MESSAGE("skipped: no huge pages here");
    return false;
  }
  if (!granule_is_told(kind)) MESSAGE("skipped: huge pages adopted without fd, before Linux 6.11");
  return true;
}

bool granule_is_told(file_kind kind) { return kind != file_kind::huge_pages || mappings_are_told(); }

bool mappings_are_told() {
  utsname system;
  int major = 0, minor = 0;
  return uname(&system) == 0 && sscanf(system.release, "%d.%d", &major, &minor) == 2 &&
         (major > 6 || (major == 6 && minor >= 11));
}

huge_pages::huge_pages(size_t count) : pool_(open("/proc/sys/vm/nr_hugepages", O_RDWR | O_CLOEXEC)) {
  size_t now = 0;
  if (pool_ >= 0) {
    flock(pool_, LOCK_EX);
    before_ = read_number(pool_);
    write_number(pool_, before_ + count);
    now = read_number(pool_);
  }
  granted_ = now >= before_ + count;
  if (!granted_) MESSAGE("skipped: ", now - before_, " huge pages are to be had here, not ", count);
}

huge_pages::~huge_pages() {
  if (pool_ < 0) return;
  write_number(pool_, before_);
  close(pool_);
}

file_store::file_store(file_kind kind) : kind_(kind) {
  if (kind == file_kind::tmpfs) mounted_.emplace(filesystem_pages);
  if (kind == file_kind::posix_shm) mounted_.emplace(filesystem_pages, shm_folder);
}

int file_store::create() const {
  switch (kind_) {
    case file_kind::tmpfs:
      return mounted_->create();
    case file_kind::disk: {
      char name[] = "./nosigbus-XXXXXX";
      return named(mkostemp(name, O_CLOEXEC), name, unlink);
    }
    case file_kind::posix_shm: {
      const std::string name = "/nosigbus-" + std::to_string(getpid());
      return named(shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600), name.c_str(), shm_unlink);
    }
    default: {
      const int fd =
          memfd_create("nosigbus-test", MFD_CLOEXEC | (kind_ == file_kind::huge_pages ? MFD_HUGETLB : 0u));
      CHILD_CHECK(fd >= 0);
      return fd;
    }
  }
}

void file_store::fill() {
  if (kind_ != file_kind::huge_pages) return mounted_->fill();
  // A mapping that could be made has its pages reserved.
  const int fd = create();
  for (ballast_size_ = filesystem_pages * granule_of(kind_); ballast_size_ != 0;
       ballast_size_ -= granule_of(kind_)) {
    ballast_ = mmap(nullptr, ballast_size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ballast_ != MAP_FAILED) break;
  }
  close(fd);
}

void file_store::make_room() {
  if (kind_ != file_kind::huge_pages) return mounted_->give_back_all();
  if (ballast_size_ != 0) CHILD_CHECK(munmap(ballast_, ballast_size_) == 0);
}

void marked_file::resize(size_t size) const { CHILD_CHECK(ftruncate(fd_, static_cast<off_t>(size)) == 0); }

void marked_file::mark(size_t begin, size_t end) const {
  if (begin == end) return;
  // Files of huge pages have no write(2).
  void* const address =
      mmap(nullptr, end - begin, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, static_cast<off_t>(begin));
  CHILD_CHECK(address != MAP_FAILED);
  unsigned char* const bytes = static_cast<unsigned char*>(address);
  for (size_t granule = begin; granule < end; granule += granule_) {
    for (size_t i = 0; i < drawn_; ++i) {
      const size_t first = granule + i, last = granule + granule_ - 1 - i;
      bytes[first - begin] = pattern(first);
      bytes[last - begin] = pattern(last);
    }
  }
  munmap(address, end - begin);
}

int marked_file::byte(size_t offset) const {
  unsigned char value = 0;
  return pread(fd_, &value, 1, static_cast<off_t>(offset)) == 1 ? value : -1;
}

}  // namespace test
