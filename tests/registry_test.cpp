// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <errno.h>
#include <src/shared/region_pool.h>
#include <src/shared/registry.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <map>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include "support/child.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"

using namespace nosigbus;

namespace {

constexpr uintptr_t page = 4096;
constexpr uintptr_t origin = uintptr_t{0x5} << 44;  // nothing is mapped or read there: keys only

region_descriptor& make(uintptr_t base, size_t length) {
  region_descriptor* const region = region_pool::take();
  REQUIRE(region != nullptr);
  region->base = base;
  region->size = region->mapped = length;
  return *region;
}

int add(region_descriptor& region) {
  return registry::add(region, region.base, region.base + region.mapped, false);
}
void remove(region_descriptor& region) { registry::remove(region, region.base, region.base + region.mapped); }

}  // namespace

TEST_CASE("a region is found at its bytes and nowhere else") {
  const size_t lengths[] = {
      page, 3 * page, 512 * page, 513 * page, size_t{1} << 30, (size_t{1} << 30) + page, size_t{2} << 40};
  for (const size_t length : lengths) {
    for (const uintptr_t shift : {uintptr_t{0}, page, 511 * page}) {
      const uintptr_t base = origin + shift;
      region_descriptor& region = make(base, length);
      REQUIRE(add(region) == 0);
      CHECK(registry::find(base) == &region);
      CHECK(registry::find(base + length - 1) == &region);
      CHECK(registry::find(base + length / 2) == &region);
      CHECK(registry::find(base - 1) == nullptr);
      CHECK(registry::find(base + length) == nullptr);
      CHECK(registry::find_first(0, ~uintptr_t{0}) == base);
      CHECK(registry::find_first(base + length, ~uintptr_t{0}) == ~uintptr_t{0});
      remove(region);
      CHECK(registry::find(base) == nullptr);
      CHECK(registry::find_first(0, ~uintptr_t{0}) == ~uintptr_t{0});
      region_pool::give(region);
    }
  }
}

TEST_CASE("addresses that no user space has are in no region") {
  CHECK(registry::find(~uintptr_t{0}) == nullptr);
  CHECK(registry::find(uintptr_t{1} << registry::address_bits) == nullptr);
  region_descriptor& region = make((uintptr_t{1} << registry::address_bits) - page, 2 * page);
  CHECK(add(region) == -EINVAL);
  region.base = ~uintptr_t{0} - page + 1;
  CHECK(add(region) == -EINVAL);
  region_pool::give(region);
}

TEST_CASE("overlapping regions are refused, whichever came first, and leave nothing behind") {
  const struct {
    uintptr_t begin, end;
  } first{100 * page, 2000 * page},
      others[] = {{0, 101 * page},          {1999 * page, 3000 * page}, {0, 3000 * page},
                  {200 * page, 201 * page}, {512 * page, 1024 * page},  {100 * page, 2000 * page},
                  {100 * page, 512 * page}};
  for (const auto& other : others) {
    for (const bool swapped : {false, true}) {
      const auto& early = swapped ? other : first;
      const auto& late = swapped ? first : other;
      region_descriptor& a = make(origin + early.begin, early.end - early.begin);
      region_descriptor& b = make(origin + late.begin, late.end - late.begin);
      REQUIRE(add(a) == 0);
      CHECK(add(b) == -EEXIST);
      for (uintptr_t at = 0; at < 3100 * page; at += page) {
        REQUIRE(registry::find(origin + at) == (at >= early.begin && at < early.end ? &a : nullptr));
      }
      remove(a);
      CHECK(registry::find_first(0, ~uintptr_t{0}) == ~uintptr_t{0});
      region_pool::give(a);
      region_pool::give(b);
    }
  }
}

TEST_CASE("random regions equal an ordered map") {
  std::mt19937_64 random(9);
  std::map<uintptr_t, region_descriptor*> model;  // by base
  const auto model_find = [&](uintptr_t address) -> region_descriptor* {
    auto after = model.upper_bound(address);
    if (after == model.begin()) return nullptr;
    region_descriptor* const r = (--after)->second;
    return address < r->base + r->mapped ? r : nullptr;
  };
  for (int step = 0; step < 20000; ++step) {
    if (model.size() > 200 || (!model.empty() && random() % 3 == 0)) {
      auto victim = model.begin();
      std::advance(victim, random() % model.size());
      remove(*victim->second);
      region_pool::give(*victim->second);
      model.erase(victim);
    } else {
      const uintptr_t base = origin + (random() % 20000) * page;
      const size_t length = (1 + random() % (random() % 8 == 0 ? 3000 : 8)) * page;
      region_descriptor& region = make(base, length);
      const auto next = model.lower_bound(base);
      const bool overlaps =
          model_find(base) != nullptr || (next != model.end() && next->first < base + length);
      REQUIRE(add(region) == (overlaps ? -EEXIST : 0));
      if (overlaps) {
        region_pool::give(region);
      } else {
        model[base] = &region;
      }
    }
    const uintptr_t probe = origin + (random() % 24000) * page + random() % page;
    REQUIRE(registry::find(probe) == model_find(probe));
  }
  for (const auto& [base, region] : model) {
    remove(*region);
    region_pool::give(*region);
  }
}

TEST_CASE("threads that add, find and remove do not disturb each other") {
  constexpr int threads = 4, rounds = 20000;
  std::atomic<int> wrong{0};
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([t, &wrong] {
      std::mt19937_64 random(static_cast<unsigned>(t));
      for (int i = 0; i < rounds; ++i) {
        // Interleaved so that threads share nodes: each owns every fourth page.
        const uintptr_t base = origin + ((random() % 500) * threads + static_cast<unsigned>(t)) * page;
        region_descriptor* const region = region_pool::take();
        if (region == nullptr || region->sync == nullptr) {
          ++wrong;
          continue;
        }
        region->base = base;
        region->size = region->mapped = page;
        if (add(*region) != 0) ++wrong;
        const registry::visited_region visited(base + 5);
        if (visited.get() != region) ++wrong;
        remove(*region);
        if (registry::find(base) != nullptr) ++wrong;
        region_pool::give(*region);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  CHECK(wrong == 0);
}

TEST_CASE("removal waits for a visitor, and for nobody else") {
  region_descriptor& region = make(origin, page);
  REQUIRE(add(region) == 0);
  std::atomic<bool> visiting{false}, leave{false}, removed{false};
  std::thread visitor([&] {
    const registry::visited_region visited(origin);
    visiting = visited.get() == &region;
    while (!leave) std::this_thread::yield();
    CHECK(!removed);
  });
  while (!visiting) std::this_thread::yield();
  std::thread remover([&] {
    remove(region);
    region.sync->visitors.wait_until_none();
    removed = true;
  });
  while (registry::find(origin) != nullptr) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(!removed);
  const registry::visited_region late(origin);
  CHECK(late.get() == nullptr);
  leave = true;
  visitor.join();
  remover.join();
  CHECK(removed);
  region_pool::give(region);
}

TEST_CASE(
    "a region that is removed while its visit begins is not visited" NO_TSAN("its atomics hold locks")) {
  CHECK(test::in_child([] {
          static region_descriptor& g_region = make(origin, page);
          CHILD_CHECK(add(g_region) == 0);
          // The visitor is counted where it faults once, between its two looks.
          void* const memory =
              mmap(nullptr, sizeof(region_sync), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
          CHILD_CHECK(memory != MAP_FAILED);
          g_region.sync = new (memory) region_sync{};
          CHILD_CHECK(mprotect(memory, sizeof(region_sync), PROT_NONE) == 0);
          signal(SIGSEGV, [](int) {
            mprotect(g_region.sync, sizeof(region_sync), PROT_READ | PROT_WRITE);
            remove(g_region);
          });
          const registry::visited_region visited(origin);
          CHILD_CHECK(visited.get() == nullptr);
          g_region.sync->visitors.wait_until_none();
          return 0;
        }) == test::exited(0));
}

TEST_CASE(
    "a child of fork is not held up by what other threads held" NO_QEMU("MADV_WIPEONFORK does nothing")) {
  region_descriptor& region = make(origin, page);
  REQUIRE(add(region) == 0);
  region.sync->visitors.enter();
  region.sync->lock.lock();
  CHECK(test::in_child([&] {
          region.sync->lock.lock();
          region.sync->lock.unlock();
          remove(region);
          region.sync->visitors.wait_until_none();
          return 0;
        }) == test::exited(0));
  region.sync->lock.unlock();
  region.sync->visitors.leave();
  remove(region);
  region_pool::give(region);
}

TEST_CASE("descriptors are distinct while they are taken") {
  std::vector<region_descriptor*> taken;
  for (int i = 0; i < 5000; ++i) taken.push_back(region_pool::take());
  std::map<region_descriptor*, int> seen;
  for (region_descriptor* region : taken) {
    REQUIRE(region != nullptr);
    ++seen[region];
  }
  CHECK(seen.size() == taken.size());
  for (region_descriptor* region : taken) region_pool::give(*region);
}

TEST_CASE("there is no descriptor of a number that was never given") {
  CHECK(region_pool::descriptor(UINT32_MAX) == nullptr);
  CHECK(region_pool::descriptor(uint32_t{1} << 28) == nullptr);
}

// The edge of what is left takes nodes of the tree.
TEST_CASE("a region that cannot become shorter for want of memory stays as it was" NO_QEMU("no limits")
              NO_TSAN("its shadow is beyond every limit")) {
  CHECK(test::in_child([] {
          constexpr uintptr_t elsewhere = uintptr_t{0x6} << 44, apart = uintptr_t{1} << 30;
          constexpr size_t length = registry::slots * page;
          region_descriptor& region = make(elsewhere, length);
          CHILD_CHECK(add(region) == 0);
          const rlimit none{page, page};
          CHILD_CHECK(setrlimit(RLIMIT_AS, &none) == 0);
          int error = 0;
          for (uintptr_t i = 1; i < 200 && error == 0; ++i) error = add(make(elsewhere + i * apart, page));
          CHILD_CHECK(error == -ENOMEM);
          CHILD_CHECK(registry::shorten(region, elsewhere, elsewhere + 3 * page, elsewhere + length) ==
                      -ENOMEM);
          for (uintptr_t at = 0; at < length; at += page) {
            CHILD_CHECK(registry::find(elsewhere + at) == &region);
          }
          return 0;
        }) == test::exited(0));
}
