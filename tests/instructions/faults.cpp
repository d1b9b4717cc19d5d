// SPDX-License-Identifier: MIT
//
// The handler's ways: to a landing pad, to a guard, to zeros, and to the action that was there before.
#include <nosigbus/copy.h>
#include <nosigbus/guard.h>
#include <nosigbus/inline.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <signal.h>
#include <src/shared/routines.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hot_path.h"

namespace instructions {

namespace {

constexpr size_t page = 4096, length = 16 * page;

// A file that is cut off to a page, and a mapping of what it was.
int g_file = -1;
char* g_memory = nullptr;
nosigbus_region* g_region = nullptr;

void make_file() {
  g_file = memfd_create("instructions", MFD_CLOEXEC);
  REQUIRE(g_file >= 0 && ftruncate(g_file, length) == 0);
}
void cut_off() { REQUIRE(ftruncate(g_file, page) == 0); }

void map_plain() {
  make_file();
  void* const got = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, g_file, 0);
  REQUIRE(got != MAP_FAILED);
  g_memory = static_cast<char*>(got);
  cut_off();
}
void map_region(int prot, unsigned flags) {
  make_file();
  REQUIRE(nosigbus_map(&g_region, g_file, 0, length, prot, flags) == 0);
  g_memory = static_cast<char*>(nosigbus_region_data(g_region));
  cut_off();
}
void adopt() {
  map_plain();
  REQUIRE(mprotect(g_memory, length, PROT_READ) == 0);
  REQUIRE(nosigbus_adopt(&g_region, g_memory, length, -1, 0) == 0);
}
void install() { REQUIRE(nosigbus_install(0) == 0); }

char* missing() { return g_memory + 2 * page; }
void read_missing() { *const_cast<volatile char*>(missing()); }
void write_missing() { *const_cast<volatile char*>(missing()) = 1; }

// Has the file grow again, so that the instruction goes on.
void previous(int, siginfo_t*, void*) { REQUIRE(ftruncate(g_file, length) == 0); }
void have_previous() {
  struct sigaction action {};
  action.sa_sigaction = previous;
  action.sa_flags = SA_SIGINFO;
  REQUIRE(sigaction(SIGBUS, &action, nullptr) == 0);
}
void add_operations(std::vector<fault_path>& paths) {
  for (const char* const set : {"sse2", "avx2"}) {
    if (!nosigbus::use_routines(set)) continue;
    paths.push_back({std::string("fault of safe_read ") + set,
                     [set] {
                       map_plain();
                       install();
                       REQUIRE(nosigbus::use_routines(set));
                     },
                     [] {
                       static char to[length];
                       REQUIRE(nosigbus_safe_read(to, g_memory, length) == page);
                     }});
  }
  paths.push_back({"fault of safe_load32",
                   [] {
                     map_plain();
                     install();
                   },
                   [] {
                     uint32_t value;
                     REQUIRE(nosigbus_safe_load32(missing(), &value) == -EFAULT);
                   }});
  paths.push_back({"fault below nosigbus_guard",
                   [] {
                     map_plain();
                     install();
                   },
                   [] {
                     nosigbus_fault fault;
                     const auto read = [](void*) -> int {
                       read_missing();
                       return 0;
                     };
                     REQUIRE(nosigbus_guard(read, nullptr, nullptr, 0, &fault) == -EFAULT);
                   }});
}

void add_regions(std::vector<fault_path>& paths) {
  const auto add = [&paths](const char* name, void (*prepare)(), void (*fault)()) {
    paths.push_back({name,
                     [prepare] {
                       prepare();
                       install();
                     },
                     fault});
  };
  add(
      "fault of a region", [] { map_region(PROT_READ, 0); }, read_missing);
  add("fault of an adopted region without descriptor", adopt, read_missing);
  add(
      "fault of a write that is discarded",
      [] { map_region(PROT_READ | PROT_WRITE, NOSIGBUS_DISCARD_WRITES); }, write_missing);
  add(
      "fault of a region that was healed",
      [] {
        map_region(PROT_READ, 0);
        install();
        read_missing();
        REQUIRE(ftruncate(g_file, length) == 0 && nosigbus_region_refresh(g_region) == 1);
        cut_off();
      },
      read_missing);
}

void add_chained(std::vector<fault_path>& paths) {
  paths.push_back({"fault outside of everything, chained",
                   [] {
                     have_previous();
                     map_plain();
                     install();
                   },
                   read_missing});
  paths.push_back({"write that a region declines, chained",
                   [] {
                     have_previous();
                     map_region(PROT_READ | PROT_WRITE, 0);
                     install();
                   },
                   write_missing});
}

}  // namespace

std::vector<fault_path> faults() {
  std::vector<fault_path> paths;
  add_operations(paths);
  add_regions(paths);
  add_chained(paths);
  return paths;
}

}  // namespace instructions
