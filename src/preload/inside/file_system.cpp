// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <errno.h>
#include <linux/magic.h>
#include <src/preload/inside/file_system.h>
#include <src/shared/syscalls.h>

namespace nosigbus::preload {

namespace {

bool is_memory(long type) { return type == TMPFS_MAGIC || type == RAMFS_MAGIC || type == HUGETLBFS_MAGIC; }

// Of the nearest directory that is still there and on the same device, as the file itself may be deleted.
// Needs no descriptor.
file_system by_path(const mapping_info& info, char* path) {
  size_t length = 0;
  while (path[length] != '\0') ++length;
  while (length > 0) {
    const char cut = path[length];
    path[length] = '\0';
    struct stat status {};
    struct statfs found {};
    const bool there = !sys::failed(sys::stat(path, &status)) &&
                       device_number(status.st_dev) == info.device && !sys::failed(sys::statfs(path, &found));
    path[length] = cut;
    if (there) return is_memory(found.f_type) ? file_system::in_memory : file_system::other;
    do --length;
    while (length > 0 && path[length] != '/');
  }
  return file_system::not_here;
}

// Reads /proc/PID/mountinfo byte by byte, as lines can be longer than any buffer:
// "id parent major:minor root mount-point options [field...] - type source options" (proc(5)).
class mounts_reader {
 public:
  explicit mounts_reader(uint64_t device) : device_(device) {}

  // Whether this byte ended the type of the file system that is looked for.
  bool take(char c) {
    if (c == '\n') {
      *this = mounts_reader(device_);
    } else if (c == ' ') {
      if (field_ == type && device_number(major_, minor_) == device_) return true;
      next_field();
    } else if (field_ == number) {
      c == ':' ? void(after_colon_ = true) : add_digit(c);
    } else {
      dash_ = length_ == 0 && c == '-';
      if (length_ < sizeof text_ - 1) text_[length_++] = c;
    }
    return false;
  }

  file_system result() const {
    const bool in_memory = is("tmpfs") || is("ramfs") || is("hugetlbfs") || is("devtmpfs");
    return in_memory ? file_system::in_memory : file_system::other;
  }

 private:
  enum field { id, parent, number, rest, type };

  void next_field() {
    if (field_ < rest)
      field_ = static_cast<field>(field_ + 1);
    else if (dash_)
      field_ = type;
    dash_ = false;
    length_ = 0;
    for (char& c : text_) c = '\0';
  }
  void add_digit(char c) {
    uint64_t& value = after_colon_ ? minor_ : major_;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  bool is(const char* word) const {
    size_t i = 0;
    while (word[i] != '\0' && word[i] == text_[i]) ++i;
    return word[i] == text_[i];
  }

  uint64_t device_;
  field field_ = id;
  uint64_t major_ = 0, minor_ = 0;
  bool after_colon_ = false;
  bool dash_ = false;  // the field is "-" so far
  char text_[16] = {};
  size_t length_ = 0;
};

// Of what is mounted under another path than the file's, or under none that stat(2) knows by that number: it
// gives btrfs's subvolumes numbers of their own, where /proc has the file system's.
file_system by_mount(const mapping_info& info) {
  const long opened = sys::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
  if (sys::failed(opened)) return file_system::not_here;
  const int mounts = static_cast<int>(opened);
  mounts_reader reader(info.device);
  file_system answer = file_system::not_here;
  char bytes[256] = {};
  for (bool found = false; !found;) {
    const long got = sys::read(mounts, bytes, sizeof bytes);
    if (got == -EINTR) continue;
    if (got <= 0) break;
    for (long i = 0; i < got && !found; ++i) found = reader.take(bytes[i]);
    if (found) answer = reader.result();
  }
  sys::close(mounts);
  return answer;
}

}  // namespace

file_system file_system_of(const mapping_info& info, char* path) {
  const file_system answer = by_path(info, path);
  return answer != file_system::not_here ? answer : by_mount(info);
}

}  // namespace nosigbus::preload
