// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <errno.h>
#include <fcntl.h>
#include <src/inside/errand.h>
#include <src/inside/mapping_info.h>
#include <src/shared/syscalls.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

namespace nosigbus {

namespace {

// struct procmap_query of linux/fs.h (Linux 6.11), which the headers of Debian 12 do not have.
struct procmap_query {
  uint64_t size;
  uint64_t query_flags;
  uint64_t query_addr;
  uint64_t vma_start, vma_end;
  uint64_t vma_flags;
  uint64_t vma_page_size;
  uint64_t vma_offset;
  uint64_t inode;
  uint32_t dev_major, dev_minor;
  uint32_t vma_name_size, build_id_size;
  uint64_t vma_name_addr, build_id_addr;
};
static_assert(sizeof(procmap_query) == 104);
constexpr unsigned long procmap_query_ioctl = _IOWR('f', 17, procmap_query);
constexpr uint64_t vma_readable = 1, vma_writable = 2, vma_executable = 4, vma_shared = 8;

int query_by_ioctl(int maps, uintptr_t address, mapping_info* out, mapping_name name) {
  procmap_query query{};
  query.size = sizeof query;
  query.query_addr = address;
  query.vma_name_addr = reinterpret_cast<uintptr_t>(name.text);
  query.vma_name_size = static_cast<uint32_t>(name.size);
  if (name.size != 0) name.text[0] = '\0';
  const long result = sys::ioctl(maps, procmap_query_ioctl, &query);
  if (sys::failed(result)) return static_cast<int>(result);
  if (name.size != 0 && query.vma_name_size == 0) name.text[0] = '\0';
  out->prot = ((query.vma_flags & vma_readable) != 0 ? PROT_READ : 0) |
              ((query.vma_flags & vma_writable) != 0 ? PROT_WRITE : 0) |
              ((query.vma_flags & vma_executable) != 0 ? PROT_EXEC : 0);
  out->shared = (query.vma_flags & vma_shared) != 0;
  out->begin = query.vma_start;
  out->end = query.vma_end;
  out->device = device_number(query.dev_major, query.dev_minor);
  out->inode = query.inode;
  out->offset = static_cast<off_t>(query.vma_offset + (address - query.vma_start));
  out->page_size = query.vma_page_size;
  return 0;
}

// Reads /proc/PID/maps byte by byte, as lines can be longer than any buffer:
// "begin-end perms offset major:minor inode      name" (proc(5)).
class maps_reader {
 public:
  maps_reader(uintptr_t address, mapping_name name) : address_(address), name_(name) {}

  // Whether this byte ended the line that is looked for.
  bool take(char c) {
    if (c == '\n') {
      const bool found = address_ >= numbers_[begin] && address_ < numbers_[end];
      if (!found) start_line();
      return found;
    }
    if (field_ == label) {
      add_to_name(c);
    } else if (field_ == perms) {
      c == ' ' ? next_field() : add_to_perms(c);
    } else if (c == ' ' || c == '-' || c == ':') {
      next_field();
    } else {
      const unsigned radix = field_ == inode ? 10 : 16;
      numbers_[field_] = numbers_[field_] * radix + static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return false;
  }

  void result(mapping_info* out) const {
    out->begin = numbers_[begin];
    out->end = numbers_[end];
    out->prot = prot_;
    out->shared = shared_;
    out->offset = static_cast<off_t>(numbers_[offset] + (address_ - numbers_[begin]));
    out->device = device_number(numbers_[major], numbers_[minor]);
    out->inode = numbers_[inode];
    out->page_size = 0;
  }

 private:
  enum field { begin, end, perms, offset, major, minor, inode, label, fields };

  void start_line() {
    field_ = begin;
    prot_ = 0;
    shared_ = false;
    length_ = 0;
    for (uint64_t& number : numbers_) number = 0;
    if (name_.size != 0) name_.text[0] = '\0';
  }
  void next_field() { field_ = static_cast<field>(field_ + 1); }
  void add_to_perms(char c) {
    if (c == 'r') prot_ |= PROT_READ;
    if (c == 'w') prot_ |= PROT_WRITE;
    if (c == 'x') prot_ |= PROT_EXEC;
    if (c == 's') shared_ = true;
  }
  void add_to_name(char c) {
    if ((length_ == 0 && c == ' ') || length_ + 1 >= name_.size) return;
    name_.text[length_++] = c;
    name_.text[length_] = '\0';
  }

  const uintptr_t address_;
  const mapping_name name_;
  field field_ = begin;
  uint64_t numbers_[fields] = {};
  int prot_ = 0;
  bool shared_ = false;
  size_t length_ = 0;
};

int query_by_reading(int maps, uintptr_t address, mapping_info* out, mapping_name name) {
  if (name.size != 0) name.text[0] = '\0';
  maps_reader reader(address, name);
  char bytes[512] = {};
  for (;;) {
    const long got = sys::read(maps, bytes, sizeof bytes);
    if (got == -EINTR) continue;
    if (got <= 0) return got == 0 ? -ENOENT : static_cast<int>(got);
    for (long i = 0; i < got; ++i) {
      if (!reader.take(bytes[i])) continue;
      reader.result(out);
      return 0;
    }
  }
}

int query(uintptr_t address, mapping_info* out, mapping_name name) {
  const long maps = sys::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  // Not to be taken for "nothing is mapped there".
  if (maps == -ENOENT) return -ENOSYS;
  if (sys::failed(maps)) return static_cast<int>(maps);
  const int fd = static_cast<int>(maps);
  int error = query_by_ioctl(fd, address, out, name);
  // Older kernels do not know it (-ENOTTY), none gives a part of a name (-ENAMETOOLONG).
  if (error != 0 && error != -ENOENT) error = query_by_reading(fd, address, out, name);
  sys::close(fd);
  return error;
}

}  // namespace

constinit errand_runner* g_errand_runner = nullptr;

int query_mapping(uintptr_t address, mapping_info* out, mapping_name name) {
  return static_cast<int>(run_errand([=] { return long{query(address, out, name)}; }));
}

bool wholly_mapped(uintptr_t begin, uintptr_t end) {
  // MS_ASYNC has done nothing since Linux 2.6.19 but look whether everything is mapped (msync(2)).
  return !sys::failed(sys::msync(begin, end - begin, MS_ASYNC));
}

}  // namespace nosigbus
