// SPDX-License-Identifier: MIT
//
// Memory that is no ordinary file: sealed, of huge pages, on a file system without space.
#include <fcntl.h>
#include <linux/memfd.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <vector>

#include "attacks.h"
#include "screen.h"
#include "surface.h"

namespace weston_test {

namespace {

constexpr int repaints = 3;
constexpr int32_t huge_page = 2 << 20;

void show(client& connection, const file& memory, int32_t mapped_size, int32_t offset) {
  const pool mapped(connection, memory, mapped_size);
  const buffer content = mapped.make_buffer(attack_width, attack_height, offset);
  window(connection).show(content.get(), repaints);
}

const char* sealed(client& connection) {
  const file memory = file::anonymous(attack_size);
  memory.fill(attack_size, attack_colour);
  memory.seal(F_SEAL_SHRINK | F_SEAL_GROW);
  show(connection, memory, attack_size, 0);
  return "";
}

// A pool may become larger than its file, by a request.
const char* resize_beyond_with(client& connection, int seals) {
  const file memory = file::anonymous(attack_size);
  if (seals != 0) memory.seal(seals);
  const pool mapped(connection, memory, attack_size);
  mapped.resize(4 * attack_size);
  const buffer content = mapped.make_buffer(attack_width, attack_height, 2 * attack_size);
  window(connection).show(content.get(), repaints);
  return "";
}
const char* resize_beyond(client& connection) { return resize_beyond_with(connection, 0); }
const char* resize_beyond_sealed(client& connection) { return resize_beyond_with(connection, F_SEAL_SHRINK); }

// Some, for as long as the attack takes, where nobody has reserved any.
class reserved_huge_pages {
 public:
  reserved_huge_pages() {
    if (read() == 0) write(reserved_ = 8);
  }
  ~reserved_huge_pages() {
    if (reserved_ != 0) write(0);
  }

 private:
  static constexpr const char* path = "/proc/sys/vm/nr_hugepages";
  static int read() {
    int count = 0;
    if (FILE* file = fopen(path, "re")) {
      if (fscanf(file, "%d", &count) != 1) count = 0;
      fclose(file);
    }
    return count;
  }
  static void write(int count) {
    if (FILE* file = fopen(path, "we")) {
      fprintf(file, "%d", count);
      fclose(file);
    }
  }
  int reserved_ = 0;
};

// The kernel maps whole huge pages, whatever length was asked for, and replaces nothing smaller.
const char* huge_pages(client& connection, int32_t mapped_size) {
  const reserved_huge_pages some;
  const file memory = file::anonymous(2 * huge_page, MFD_HUGETLB | MFD_HUGE_2MB);
  memory.fill(2 * huge_page, 0);
  const pool mapped(connection, memory, mapped_size);
  const buffer content = mapped.make_buffer(attack_width, attack_height, mapped_size - attack_size);
  window shown(connection);
  shown.show(content.get());
  memory.truncate(0);
  shown.show(content.get(), repaints);
  return "";
}
const char* huge_pages_whole(client& connection) { return huge_pages(connection, 2 * huge_page); }
const char* huge_pages_odd(client& connection) { return huge_pages(connection, huge_page + attack_size + 4); }

// A mount namespace of its own, which ends with this process: as root, or in a user namespace as root there.
void enter_mount_namespace() {
  const uid_t user = getuid();
  const gid_t group = getgid();
  if (unshare(CLONE_NEWNS) != 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) throw impossible("no mount namespace");
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
  }
}

// On a tmpfs that is full: the file is long enough, and its pages cannot be had.
file on_full_filesystem(int64_t size) {
  enter_mount_namespace();
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("none", "/tmp", "tmpfs", 0, "size=64k") != 0) {
    throw impossible("no tmpfs can be mounted");
  }
  const auto create = [] { return file(open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600)); };
  // Has all pages, and keeps them until the end.
  static const file ballast = create();
  file sparse = create();
  const std::vector<char> page(4096, 7);
  while (write(ballast.descriptor(), page.data(), page.size()) > 0) {
  }
  sparse.truncate(size);
  return sparse;
}

const char* sparse_on_full_filesystem(client& connection) {
  show(connection, on_full_filesystem(attack_size), attack_size, 0);
  return "";
}

const char* capture_into_full_filesystem(client& connection) {
  const int32_t size = connection.output_width() * connection.output_height() * bytes_per_pixel;
  const file memory = on_full_filesystem(size);
  const pool mapped(connection, memory, size);
  const buffer content = mapped.make_buffer(connection.output_width(), connection.output_height());
  take_screenshot(connection, content.get());
  return "";
}

constexpr attack all[] = {
    {"sealed", sealed, nature::harmless},
    {"resize_beyond", resize_beyond},
    {"resize_beyond_sealed", resize_beyond_sealed},
    {"huge_pages_whole", huge_pages_whole},
    {"huge_pages_odd", huge_pages_odd},
    {"sparse_on_full_filesystem", sparse_on_full_filesystem},
    {"capture_into_full_filesystem", capture_into_full_filesystem},
};

}  // namespace

std::span<const attack> memory_kinds() { return all; }

}  // namespace weston_test
