// SPDX-License-Identifier: MIT
//
// Call chains of faults, as far as the core is concerned: who collects them is the program's business.
#include <nosigbus/events.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "support/each_entry.h"
#include "support/no_qemu.h"
#include "support/region_fixture.h"

using namespace test;

namespace {

const size_t page = page_size();

std::atomic<size_t> g_collected{0};

// As many addresses as there is room for, each the number of the call.
size_t collect_numbers(void* ucontext, uintptr_t* chain, size_t most) {
  const size_t number = g_collected.fetch_add(1) + 1;
  for (size_t i = 0; i < most; ++i) chain[i] = ucontext != nullptr ? number : 0;
  return most;
}
size_t collect_nothing(void*, uintptr_t*, size_t) { return 0; }

// The chain of each event, by its first address; 0 without. Its addresses are all the same.
std::vector<uintptr_t> chains() {
  std::vector<uintptr_t> all;
  const int result = nosigbus::dispatch([&all](const nosigbus::event& event) {
    const uintptr_t first = event.chain_length == 0 ? 0 : event.chain[0];
    for (size_t i = 0; i < event.chain_length; ++i) CHILD_CHECK(event.chain[i] == first);
    if ((event.what & NOSIGBUS_EVENT_FAULT) == 0) CHILD_CHECK(event.chain_length == 0);
    all.push_back(first);
  });
  CHILD_CHECK(result >= 0);
  return all;
}

using numbers = std::vector<uintptr_t>;

nosigbus::region fresh_region(const shared_file& file) {
  return make_region(origin::adopted_without_fd, file, 2 * page);
}

void fault_again(shared_file& file, nosigbus::region& region) {
  file.resize(2 * page);
  CHILD_CHECK(region.refresh() == 1);
  file.resize(0);
  CHILD_CHECK(peek(region, page) == 0);
}

}  // namespace

TEST_CASE("without a collector events have no chain") {
  in_each_entry(exited(0), [] {
    CHILD_CHECK(nosigbus_event_fd() >= 0);
    shared_file file(2 * page);
    const nosigbus::region region = fresh_region(file);
    file.resize(0);
    CHILD_CHECK(peek(region, 0) == 0);
    CHILD_CHECK(chains() == numbers{0});
  });
}

TEST_CASE("an event has one chain: the first since the last event" NO_QEMU("needs duplicated mappings")) {
  in_each_entry(exited(0), [] {
    CHILD_CHECK(nosigbus_event_fd() >= 0);
    CHILD_CHECK(nosigbus_collect_chains(collect_numbers) == 0);
    shared_file file(2 * page);
    nosigbus::region region = fresh_region(file);
    for (uintptr_t round = 1; round <= 600; ++round) {
      for (int i = 0; i < 3; ++i) fault_again(file, region);
      CHILD_CHECK(chains() == numbers{round});
      CHILD_CHECK(chains().empty());
    }
    CHILD_CHECK(nosigbus_collect_chains(collect_nothing) == 0);
    fault_again(file, region);
    CHILD_CHECK(chains() == numbers{0});
    CHILD_CHECK(nosigbus_collect_chains(nullptr) == 0);
    fault_again(file, region);
    CHILD_CHECK(chains() == numbers{0});
    CHILD_CHECK(g_collected == 600);
  });
}

TEST_CASE("regions beyond those that there are chains for have events without") {
  in_each_entry(exited(0), [] {
    CHILD_CHECK(nosigbus_event_fd() >= 0);
    CHILD_CHECK(nosigbus_collect_chains(collect_numbers) == 0);
    shared_file file(2 * page);
    for (int round = 0; round < 3; ++round) {
      std::vector<nosigbus::region> regions;
      file.resize(2 * page);
      for (int i = 0; i < 300; ++i) regions.push_back(fresh_region(file));
      file.resize(0);
      for (const auto& region : regions) CHILD_CHECK(peek(region, 0) == 0);
      if (round == 1) continue;  // released, and not dispatched: all chains are there again
      const numbers all = chains();
      CHILD_CHECK(all.size() == 300);
      CHILD_CHECK(std::count(all.begin(), all.end(), 0u) == 300 - 256);
    }
  });
}

TEST_CASE("a child of fork begins without chains and finds all of them free" NO_QEMU("no WIPEONFORK")) {
  in_each_entry(exited(0), [] {
    CHILD_CHECK(nosigbus_event_fd() >= 0);
    CHILD_CHECK(nosigbus_collect_chains(collect_numbers) == 0);
    shared_file file(2 * page);
    nosigbus::region region = fresh_region(file);
    file.resize(0);
    CHILD_CHECK(peek(region, 0) == 0);
    CHILD_CHECK(in_child([&] {
                  CHILD_CHECK(nosigbus_event_fd() >= 0);
                  CHILD_CHECK(chains() == numbers{0});
                  fault_again(file, region);
                  CHILD_CHECK(chains() == numbers{2});
                  return 0;
                }) == exited(0));
    CHILD_CHECK(chains() == numbers{1});
  });
}

TEST_CASE("threads fault while another dispatches: no chain is lost or mixed") {
  in_each_entry(exited(0), [] {
    CHILD_CHECK(nosigbus_event_fd() >= 0);
    CHILD_CHECK(nosigbus_collect_chains(collect_numbers) == 0);
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&stop] {
        std::vector<nosigbus::region> latest(8);  // alive for a while, to be dispatched
        for (size_t round = 0; !stop.load(); ++round) {
          shared_file file(2 * page);
          nosigbus::region& region = latest[round % latest.size()];
          region = fresh_region(file);
          file.resize(0);
          CHILD_CHECK(peek(region, 0) == 0);
          CHILD_CHECK(peek(region, page) == 0);
        }
      });
    }
    size_t with_chain = 0;
    while (with_chain < 300) {
      for (const uintptr_t first : chains()) with_chain += first != 0 ? 1 : 0;
    }
    stop = true;
    for (std::thread& thread : threads) thread.join();
    // All are free again.
    chains();
    shared_file file(2 * page);
    std::vector<nosigbus::region> regions;
    for (int i = 0; i < 256; ++i) regions.push_back(fresh_region(file));
    file.resize(0);
    for (const auto& region : regions) CHILD_CHECK(peek(region, 0) == 0);
    const numbers all = chains();
    CHILD_CHECK(std::count(all.begin(), all.end(), 0u) == 0);
  });
}
