// SPDX-License-Identifier: MIT
//
// Regions, as long as nothing is missing: what each costs to make, to look up, to ask, and to be told of.
#include <nosigbus/events.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <src/inside/place.h>
#include <src/shared/event_queue.h>
#include <src/shared/registry.h>
#include <src/shared/thread_state.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hot_path.h"

namespace instructions {

namespace {

constexpr size_t length = 65536;
int g_file = -1;
nosigbus_region* g_region = nullptr;
volatile uint64_t g_sink;

int file() {
  if (g_file < 0) {
    g_file = memfd_create("instructions", MFD_CLOEXEC);
    REQUIRE(g_file >= 0 && ftruncate(g_file, length) == 0);
  }
  return g_file;
}

void map_and_release() {
  nosigbus_region* region = nullptr;
  REQUIRE(nosigbus_map(&region, file(), 0, length, PROT_READ, 0) == 0);
  REQUIRE(nosigbus_region_release(region) == 0);
}

void need_region() {
  if (g_region == nullptr) REQUIRE(nosigbus_map(&g_region, file(), 0, length, PROT_READ, 0) == 0);
}

// Regions of a page, a page apart, where nothing is mapped: their number is what matters.
constexpr uintptr_t first_base = uintptr_t{0x5} << 44;
uintptr_t base_of(size_t i) { return first_base + 2 * i * nosigbus::g_page_size; }
size_t g_shown = 0;
void show_regions(size_t count) {
  for (; g_shown < count; ++g_shown) {
    nosigbus::blueprint plan;
    plan.base = base_of(g_shown);
    plan.size = plan.mapped = plan.granule = nosigbus::g_page_size;
    nosigbus_region* region = nullptr;
    REQUIRE(nosigbus::show_place(&region, plan) == 0);
  }
}
void look_up(size_t count) {
  for (int i = 0; i < times; ++i) {
    const size_t index = static_cast<size_t>(i) * 7919 % count;
    REQUIRE(nosigbus::registry::find(base_of(index)) != nullptr);
  }
}

void add_lookups(std::vector<hot_path>& paths) {
  for (const size_t count : {1, 1000, 100000}) {
    const std::string beside = " beside " + std::to_string(count);
    paths.push_back({"lookup" + beside, [count] { show_regions(count); }, [count] { look_up(count); }});
    paths.push_back({"map + release" + beside, [] {}, map_and_release});
  }
}

void add_questions(std::vector<hot_path>& paths) {
  paths.push_back({"region_begin + region_end", need_region, repeated([] {
                     g_sink = static_cast<uint64_t>(
                         nosigbus_region_end(g_region, nosigbus_region_begin(g_region)));
                   })});
  paths.push_back({"region_status", need_region, [] {
                     struct nosigbus_region_status status;
                     REQUIRE(nosigbus_region_status(g_region, &status, sizeof status) == 0);
                   }});
  paths.push_back({"region_refresh of what is whole", need_region,
                   [] { REQUIRE(nosigbus_region_refresh(g_region) == 1); }});
}

void add_events(std::vector<hot_path>& paths) {
  const auto heard = [](const nosigbus_event*, void*) { return 0; };
  paths.push_back({"dispatch of nothing",
                   [] {
                     need_region();
                     REQUIRE(nosigbus_event_fd() >= 0);
                     REQUIRE(ftruncate(file(), length) == 0);
                     while (nosigbus_dispatch([](const nosigbus_event*, void*) { return 0; }, nullptr) != 0) {
                     }
                   },
                   [heard] { REQUIRE(nosigbus_dispatch(heard, nullptr) == 0); }});
  paths.push_back({"dispatch of a fault's event",
                   [] {
                     g_region->faults.fetch_add(1, std::memory_order_seq_cst);
                     nosigbus::announce(*g_region);
                   },
                   [heard] { REQUIRE(nosigbus_dispatch(heard, nullptr) == 1); }});
}

}  // namespace

std::vector<hot_path> regions() {
  std::vector<hot_path> paths;
  paths.push_back({"install", [] {}, [] { REQUIRE(nosigbus_install(0) == 0); }});
  paths.push_back({"install again", [] {}, [] { REQUIRE(nosigbus_install(0) == 0); }});
  paths.push_back({"check", [] {}, [] { REQUIRE(nosigbus_check() == 0); }});
  paths.push_back({"uninstall", [] {}, [] { REQUIRE(nosigbus_uninstall() == 0); }});
  add_questions(paths);
  add_events(paths);
  add_lookups(paths);
  return paths;
}

}  // namespace instructions
