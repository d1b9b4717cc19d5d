// SPDX-License-Identifier: MIT
//
// Tables of areas, as libsigsegv has them: with the adapter, and with libsigsegv (areas.h).
#include <doctest/doctest.h>

#include <vector>

#include "areas.h"

using namespace adapters;
using test::exited;
using test::in_child;

TEST_CASE("an area begins and ends at any byte") {
  CHECK(in_child([] {
          sigsegv_init(&g_areas);
          const auto number = [](void*, void* arg) { return *static_cast<int*>(arg); };
          int numbers[] = {1, 2, 3, 4};
          auto* const at = reinterpret_cast<unsigned char*>(0x10000);
          void* const third = sigsegv_register(&g_areas, at + 30, 1, number, &numbers[2]);
          sigsegv_register(&g_areas, at + 10, 10, number, &numbers[0]);
          sigsegv_register(&g_areas, at + 20, 10, number, &numbers[1]);
          sigsegv_register(&g_areas, at + 40, page, number, &numbers[3]);
          CHILD_CHECK(sigsegv_register(&g_areas, at, 0, number, numbers) == nullptr);
          const auto is = [&](size_t offset, int what) {
            return sigsegv_dispatch(&g_areas, at + offset) == what;
          };
          CHILD_CHECK(is(9, 0) && is(10, 1) && is(19, 1) && is(20, 2) && is(29, 2) && is(30, 3) && is(31, 0));
          CHILD_CHECK(is(39, 0) && is(40, 4) && is(39 + page, 4) && is(40 + page, 0));
          sigsegv_unregister(&g_areas, third);
          sigsegv_unregister(&g_areas, nullptr);
          CHILD_CHECK(is(29, 2) && is(30, 0) && is(40, 4));
          return 0;
        }) == exited(0));
}

TEST_CASE("thousands of areas are told apart") {
  CHECK(in_child([] {
          sigsegv_init(&g_areas);
          const auto twice = [](void* address, void* arg) { return address == arg ? 2 : 1; };
          std::vector<void*> tickets;
          for (uintptr_t i = 0; i < 3000; ++i) {
            auto* const at = reinterpret_cast<void*>(0x100000 + (i * 1237 % 3001) * 32);
            tickets.push_back(sigsegv_register(&g_areas, at, 16, twice, at));
          }
          for (size_t i = 0; i < tickets.size(); i += 2) sigsegv_unregister(&g_areas, tickets[i]);
          for (uintptr_t i = 0; i < 3000; ++i) {
            const uintptr_t at = 0x100000 + (i * 1237 % 3001) * 32;
            const int present = i % 2 == 0 ? 0 : 1;
            CHILD_CHECK(sigsegv_dispatch(&g_areas, reinterpret_cast<void*>(at)) == 2 * present);
            CHILD_CHECK(sigsegv_dispatch(&g_areas, reinterpret_cast<void*>(at + 15)) == present);
            CHILD_CHECK(sigsegv_dispatch(&g_areas, reinterpret_cast<void*>(at + 16)) == 0);
          }
          return 0;
        }) == exited(0));
}

#ifndef ADAPTERS_TEST_ORIGINAL

// Of the original that depends on chance: its tree is changed in place.
TEST_CASE("areas come and go while another thread faults") {
  CHECK(in_child([] {
          start();
          area first(4000);
          std::atomic<bool> over{false};
          std::thread others([&] {
            while (!over.load(std::memory_order_relaxed)) {
              unsigned char* const memory = forbidden();
              void* const ticket = sigsegv_register(&g_areas, memory, page, area::supply, nullptr);
              CHILD_CHECK(ticket != nullptr);
              sigsegv_unregister(&g_areas, ticket);
              munmap(memory, page);
            }
          });
          for (size_t i = 0; i < first.pages; ++i) poke(first.bytes + i * page, 1);
          over = true;
          others.join();
          return first.supplied == first.pages ? 0 : wrong;
        }) == exited(0));
}

TEST_CASE("what is no area is refused") {
  CHECK(in_child([] {
          sigsegv_init(&g_areas);
          const auto never = [](void*, void*) { return 1; };
          auto* const at = reinterpret_cast<unsigned char*>(0x10000);
          void* const ticket = sigsegv_register(&g_areas, at + 10, 10, never, nullptr);
          CHILD_CHECK(ticket != nullptr);
          CHILD_CHECK(sigsegv_register(&g_areas, at + 10, 10, never, nullptr) == nullptr);
          CHILD_CHECK(sigsegv_register(&g_areas, at, 11, never, nullptr) == nullptr);
          CHILD_CHECK(sigsegv_register(&g_areas, at + 19, 1, never, nullptr) == nullptr);
          CHILD_CHECK(sigsegv_register(&g_areas, at, 100, never, nullptr) == nullptr);
          CHILD_CHECK(sigsegv_register(&g_areas, at, SIZE_MAX, never, nullptr) == nullptr);
          CHILD_CHECK(sigsegv_register(&g_areas, at, 10, never, nullptr) != nullptr);
          CHILD_CHECK(sigsegv_register(&g_areas, at + 20, 1, never, nullptr) != nullptr);
          for (int i = 0; i < 3; ++i) sigsegv_unregister(&g_areas, ticket);
          CHILD_CHECK(sigsegv_dispatch(&g_areas, at + 10) == 0 && sigsegv_dispatch(&g_areas, at + 20) == 1);
          return 0;
        }) == exited(0));
}

#endif
