// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <src/outside/mapping_info.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

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

int query_by_ioctl(int maps, uintptr_t address, mapping_info* out) {
  procmap_query query{};
  query.size = sizeof query;
  query.query_addr = address;
  if (ioctl(maps, procmap_query_ioctl, &query) != 0) return -errno;
  out->prot = ((query.vma_flags & vma_readable) != 0 ? PROT_READ : 0) |
              ((query.vma_flags & vma_writable) != 0 ? PROT_WRITE : 0) |
              ((query.vma_flags & vma_executable) != 0 ? PROT_EXEC : 0);
  out->shared = (query.vma_flags & vma_shared) != 0;
  out->end = query.vma_end;
  out->device = uint64_t{query.dev_major} << 32 | query.dev_minor;
  out->inode = query.inode;
  out->offset = static_cast<off_t>(query.vma_offset + (address - query.vma_start));
  out->page_size = query.vma_page_size;
  return 0;
}

// One line of /proc/PID/maps: "start-end perms offset major:minor inode ..." (proc(5)).
bool parse_line(const char* line, uintptr_t address, mapping_info* out) {
  unsigned long start, end, offset, inode;
  unsigned major, minor;
  char perms[5];
  if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu", &start, &end, perms, &offset, &major, &minor, &inode) != 7) {
    return false;
  }
  if (address < start || address >= end) return false;
  out->prot = (perms[0] == 'r' ? PROT_READ : 0) | (perms[1] == 'w' ? PROT_WRITE : 0) |
              (perms[2] == 'x' ? PROT_EXEC : 0);
  out->shared = perms[3] == 's';
  out->end = end;
  out->device = uint64_t{major} << 32 | minor;
  out->inode = inode;
  out->offset = static_cast<off_t>(offset + (address - start));
  out->page_size = 0;
  return true;
}

int query_by_reading(int maps, uintptr_t address, mapping_info* out) {
  // Lines can be longer than the buffer (paths); only their beginnings matter.
  char buffer[8192];
  size_t filled = 0;
  bool at_line_start = true;
  for (;;) {
    const ssize_t got = read(maps, buffer + filled, sizeof buffer - 1 - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) return -ENOENT;
    filled += static_cast<size_t>(got);
    buffer[filled] = '\0';
    char* line = buffer;
    while (char* const newline =
               static_cast<char*>(memchr(line, '\n', filled - static_cast<size_t>(line - buffer)))) {
      *newline = '\0';
      if (at_line_start && parse_line(line, address, out)) return 0;
      at_line_start = true;
      line = newline + 1;
    }
    filled -= static_cast<size_t>(line - buffer);
    memmove(buffer, line, filled);
    if (filled == sizeof buffer - 1) {
      if (at_line_start && parse_line(buffer, address, out)) return 0;
      at_line_start = false;
      filled = 0;
    }
  }
}

}  // namespace

int query_mapping(uintptr_t address, mapping_info* out) {
  const int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (maps < 0) return -errno;
  int error = query_by_ioctl(maps, address, out);
  if (error != 0 && error != -ENOENT) error = query_by_reading(maps, address, out);
  close(maps);
  return error;
}

bool wholly_mapped(uintptr_t begin, uintptr_t end) {
  // MS_ASYNC has done nothing since Linux 2.6.19 but look whether everything is mapped (msync(2)).
  return msync(reinterpret_cast<void*>(begin), end - begin, MS_ASYNC) == 0;
}

}  // namespace nosigbus
