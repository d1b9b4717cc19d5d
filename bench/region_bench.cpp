// SPDX-License-Identifier: MIT
//
// Regions against libwayland's buffers, and against the least that any handler has to do.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <nosigbus/nosigbus.hpp>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "file.h"
#include "pairs.h"
#include "wayland_shm.h"

namespace {

using bench::file;
using bench::page;
using bench::page_order;
using bench::peek;
using bench::require;

constexpr size_t smallest = size_t{1} << 20, small = size_t{64} << 20, large = size_t{1} << 30;

// Once a process has had a region, its guarded copies and scans look for overlays: those of other rows are
// measured before.
const bench::stage g_regions{[] {}, [] {}};

// While it lives, SIGBUS is ours. Outlives the regions.
struct our_handler {
  our_handler() { require(nosigbus::install() == 0); }
  ~our_handler() { require(nosigbus::uninstall() == 0); }
};

// --- A file that is cut off to nothing, and a byte of each page read.

// Mappings that have a byte of the region.
size_t vmas_in(const nosigbus::region& region) {
  const uintptr_t low = reinterpret_cast<uintptr_t>(region.data()), high = low + region.size();
  FILE* const maps = fopen("/proc/self/maps", "re");
  require(maps != nullptr);
  char line[4096];
  size_t count = 0;
  while (fgets(line, sizeof line, maps) != nullptr) {
    uintptr_t begin, end;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &begin, &end) == 2 && begin < high && end > low) ++count;
  }
  fclose(maps);
  return count;
}

void read_region(benchmark::State& state, const page_order& order) {
  const our_handler handler;
  const file f(order.size() * page);
  auto region = nosigbus::region::map(f.fd(), 0, f.size(), PROT_READ);
  require(bool{region});
  for (auto _ : state) {
    const auto before = nosigbus::stats();
    f.cut_off();
    bench::timed(state, [&] { bench::read_pages(region->data(), order); });
    const auto after = nosigbus::stats();
    if (after.absorbed_by_region - before.absorbed_by_region != 1 || after.overlays - before.overlays != 1) {
      state.SkipWithError("more than one repair");
      break;
    }
    if (vmas_in(*region) > 3) {
      state.SkipWithError("more than 3 VMAs");
      break;
    }
    f.make_whole();
    require(region->refresh() == 1);
  }
}

void read_buffer(benchmark::State& state, const page_order& order) {
  const bench::wayland_handler handler;
  const file f(order.size() * page);
  for (auto _ : state) {
    f.make_whole();
    const bench::wayland_buffer buffer(f.fd(), f.size());
    f.cut_off();
    bench::timed(state, [&] {
      wl_shm_buffer_begin_access(buffer.get());
      bench::read_pages(buffer.data(), order);
      wl_shm_buffer_end_access(buffer.get());
    });
  }
}

void add_cut_off(const char* name, const page_order& order, double goal) {
  bench::add({name, [&order](benchmark::State& state) { read_region(state, order); }, "wl_shm_buffer",
              [&order](benchmark::State& state) { read_buffer(state, order); }, goal, "",
              bench::clock::inside, &g_regions});
}

// --- Brackets around reads.

void add_bracket() {
  const auto ours = [](benchmark::State& state) {
    const file f(small);
    const auto region = nosigbus::region::map(f.fd(), 0, f.size(), PROT_READ);
    require(bool{region});
    const nosigbus_region* const c = region->get();
    for (auto _ : state) {
      const uint64_t begun = nosigbus_region_begin(c);
      benchmark::DoNotOptimize(nosigbus_region_end(c, begun));
    }
  };
  const auto theirs = [](benchmark::State& state) {
    const bench::wayland_handler handler;
    const file f(small);
    const bench::wayland_buffer buffer(f.fd(), f.size());
    for (auto _ : state) {
      wl_shm_buffer_begin_access(buffer.get());
      wl_shm_buffer_end_access(buffer.get());
    }
  };
  bench::add({"region_begin + region_end", ours, "wl_shm begin + end_access", theirs, 3, "",
              bench::clock::around, &g_regions});
}

// --- A repaired fault against handlers that know before what there is to do: one maps zeros; one asks for
// the file's size, too, and has the zeros come from the huge zero page.

constexpr size_t faulting = 5 * page;

unsigned char* g_zeros_at;
size_t g_zeros;
int g_cut_off;
void map_zeros(int, siginfo_t*, void*) {
  mmap(g_zeros_at, g_zeros, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}
void ask_map_and_advise(int signo, siginfo_t* info, void* context) {
  struct stat status;
  fstat(g_cut_off, &status);
  map_zeros(signo, info, context);
  madvise(g_zeros_at, g_zeros, MADV_HUGEPAGE);
}

nosigbus::region map_region(const file& f, int access) {
  const int fd = f.open_again(access);
  auto region = nosigbus::region::map(fd, 0, f.size(), PROT_READ);
  close(fd);
  require(bool{region});
  return std::move(*region);
}

void repair(benchmark::State& state, size_t size, int access) {
  const our_handler handler;
  const file f(size);
  nosigbus::region region = map_region(f, access);
  for (auto _ : state) {
    f.cut_off();
    bench::timed(state, [&] { peek(region.data(), faulting); });
    f.make_whole();
    require(region.refresh() == 1);
  }
}

// Where a region of it lay. Elsewhere a neighbour might keep page tables alive, and spare the kernel the work
// of making them: a fifth of all.
unsigned char* map_as_region(const file& f) {
  const our_handler handler;
  void* const place = map_region(f, O_RDONLY).data();
  return f.map(place, MAP_FIXED_NOREPLACE);
}

void by_handler(benchmark::State& state, size_t size, void (*handler)(int, siginfo_t*, void*)) {
  const file f(size);
  unsigned char* const base = map_as_region(f);
  g_zeros_at = base;
  g_zeros = size;
  g_cut_off = f.fd();
  struct sigaction action {
  }, before;
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  sigaction(SIGBUS, &action, &before);
  for (auto _ : state) {
    f.cut_off();
    bench::timed(state, [&] { peek(base, faulting); });
    f.make_whole();
    f.map(base, MAP_FIXED);
  }
  sigaction(SIGBUS, &before, nullptr);
  munmap(base, size);
}

void add_repair(const std::string& name, size_t size, int access, double goal) {
  const auto ours = [size, access](benchmark::State& state) { repair(state, size, access); };
  const auto peer = [size](void (*handler)(int, siginfo_t*, void*)) {
    return [size, handler](benchmark::State& state) { by_handler(state, size, handler); };
  };
  bench::add(
      {name, ours, "handler that only maps", peer(map_zeros), goal, "", bench::clock::inside, &g_regions});
  if (size < small) return;  // no huge page lies in it
  bench::add({name + ", again", ours, "fstat + mmap + madvise", peer(ask_map_and_advise), 0, "",
              bench::clock::inside, &g_regions});
}

const bool g_added = [] {
  static const page_order in_order = bench::pages_of(small),
                          at_random = bench::shuffled(bench::pages_of(large));
  add_cut_off("64 MiB region cut off, a byte per page", in_order, 50);
  add_cut_off("1 GiB region cut off, a byte per page at random", at_random, 50);
  add_repair("fault repaired in 64 MiB, opened O_RDONLY", small, O_RDONLY, 0.85);
  add_repair("fault repaired in 64 MiB, opened O_RDWR", small, O_RDWR, 0.85);
  add_repair("fault repaired in 1 MiB, opened O_RDWR", smallest, O_RDWR, 0);
  add_bracket();
  return true;
}();

}  // namespace
