// SPDX-License-Identifier: MIT
//
// Copies and scans, by the routines of each set that valgrind knows, whatever the processor has besides.
#include <nosigbus/copy.h>
#include <nosigbus/scan.h>
#include <src/shared/routines.h>

#include <cstring>

#include "hot_path.h"

namespace instructions {

namespace {

constexpr size_t most = 65536;
alignas(4096) char g_from[most + 64], g_to[most + 64];

// Where the set in force is not the one that the public functions are of, they go to it by a detour.
auto* public_read() {
  return nosigbus_routines.public_read != nullptr ? nosigbus_routines.public_read : nosigbus_safe_read;
}
nosigbus::scans public_scans() {
  constexpr nosigbus::scans of_all{nosigbus_safe_strnlen, nosigbus_safe_memchr, nosigbus_safe_memcmp};
  return nosigbus_routines.public_scans.strnlen != nullptr ? nosigbus_routines.public_scans : of_all;
}

class adder {
 public:
  adder(std::vector<hot_path>& paths, const char* set) : paths_(paths), set_(set) {}

  void add(const std::string& name, size_t size, std::function<void()> run) const {
    const char* const set = set_;
    paths_.push_back({name + ' ' + std::to_string(size) + ' ' + set,
                      [set] { REQUIRE(nosigbus::use_routines(set)); }, std::move(run)});
  }

 private:
  std::vector<hot_path>& paths_;
  const char* set_;
};

void add_copies(const adder& to) {
  for (const size_t size : {1, 8, 33, 100, 256, 1000, 4096, 65536}) {
    to.add("safe_read", size, [size] { REQUIRE(public_read()(g_to, g_from, size) == size); });
  }
  for (const size_t size : {33, 4096}) {
    to.add("safe_write", size, [size] { REQUIRE(nosigbus_safe_write(g_to, g_from, size) == size); });
    to.add("safe_copy", size, [size] { REQUIRE(nosigbus_safe_copy(g_to, g_from, size) == size); });
    to.add("safe_fill", size, [size] { REQUIRE(nosigbus_safe_fill(g_to, 'a', size) == size); });
  }
  to.add("safe_read_2d, rows of 256", 64,
         [] { REQUIRE(nosigbus_safe_read_2d(g_to, 1000, g_from, 1024, 256, 64) == 256 * 64); });
}

void add_scans(const adder& to) {
  for (const size_t size : {7, 100, 4096}) {
    to.add("safe_strnlen", size, [size] { REQUIRE(public_scans().strnlen(g_from, size) == size); });
    to.add("safe_memchr", size, [size] { REQUIRE(public_scans().memchr(g_from, 0, size) == size); });
    to.add("safe_memcmp", size, [size] { REQUIRE(public_scans().memcmp(g_from, g_to, size) == size); });
  }
  to.add("safe_strncpy", 100, [] { REQUIRE(nosigbus_safe_strncpy(g_to, g_from, 100) == 100); });
}

// As where there has ever been a region.
void add_watched(const adder& to) {
  for (const size_t size : {33, 4096}) {
    to.add("safe_read beside regions", size,
           [size] { REQUIRE(nosigbus_routines.watched_read(g_to, g_from, size) == size); });
    to.add("safe_memchr beside regions", size,
           [size] { REQUIRE(nosigbus_routines.watched_scans.memchr(g_from, 0, size) == size); });
  }
}

}  // namespace

std::vector<hot_path> copies_and_scans() {
  memset(g_from, 'a', sizeof g_from);
  memset(g_to, 'a', sizeof g_to);
  std::vector<hot_path> paths;
  for (const char* const set : {"sse2", "avx2"}) {
    if (!nosigbus::use_routines(set)) continue;
    const adder to(paths, set);
    add_copies(to);
    add_scans(to);
    add_watched(to);
  }
  return paths;
}

}  // namespace instructions
