// SPDX-License-Identifier: MIT
//
// The inline operations of the C++ face: types.
#include <doctest/doctest.h>
#include <nosigbus/nosigbus.hpp>

#include <array>
#include <cerrno>

#include "inline/arena.h"
#include "support/entry.h"

using namespace test;

namespace {

template <size_t Size>
struct bytes {
  unsigned char at[Size];
  bool operator==(const bytes&) const = default;
};
struct pair {
  double first;
  uint64_t second;
  bool operator==(const pair&) const = default;
};
struct no_default {
  explicit no_default(int v) : value(v) {}
  int value;
  bool operator==(const no_default&) const = default;
};
enum class state : uint32_t { idle, busy };

struct not_trivial {
  not_trivial(const not_trivial&) {}
  int value;
};
static_assert(nosigbus::loadable<pair> && nosigbus::loadable<const volatile char>);
static_assert(!nosigbus::loadable<not_trivial> && !nosigbus::loadable<bytes<3>> &&
              !nosigbus::loadable<bytes<32>>);

// Loads and stores at the end of the good page, where the value straddles, and on the bad page.
template <class T>
void round_trip(const T& value, const T& other) {
  const arena memory(badness::truncated);
  auto* const good = reinterpret_cast<T*>(memory.bad() - sizeof(T));
  CHILD_CHECK(nosigbus::store(good, value) == 0);
  CHILD_CHECK(nosigbus::load(good) == value);
  CHILD_CHECK(nosigbus::load(static_cast<const volatile T*>(good)) == value);
  CHILD_CHECK(nosigbus::store(static_cast<volatile T*>(good), other) == 0);
  CHILD_CHECK(nosigbus::load(good) == other);
  for (size_t good_bytes = sizeof(T) - 1; good_bytes > 0; --good_bytes) {
    auto* const bad = reinterpret_cast<T*>(memory.bad() - good_bytes);
    CHILD_CHECK(!nosigbus::load(bad));
    CHILD_CHECK(nosigbus_last_fault()->address >= reinterpret_cast<uintptr_t>(memory.bad()));
    CHILD_CHECK(nosigbus_last_fault()->address < reinterpret_cast<uintptr_t>(bad + 1));
    CHILD_CHECK(nosigbus::store(bad, value) == -EFAULT);
  }
  auto* const bad = reinterpret_cast<T*>(memory.bad());
  CHILD_CHECK(!nosigbus::load(bad) && nosigbus::store(bad, value) == -EFAULT);
}

template <class T>
void atomics(T* address, T* bad, T first, T second) {
  CHILD_CHECK(nosigbus::store_release(address, first) == 0);
  CHILD_CHECK(nosigbus::load_acquire(address) == first);
  CHILD_CHECK(nosigbus::exchange(address, second) == first);
  T expected = first;
  CHILD_CHECK(nosigbus::compare_exchange(address, expected, first) == 0 && expected == second);
  CHILD_CHECK(nosigbus::compare_exchange(address, expected, first) == 1 && *address == first);
  CHILD_CHECK(!nosigbus::load_acquire(bad) && !nosigbus::exchange(bad, first));
  CHILD_CHECK(nosigbus::store_release(bad, first) == -EFAULT);
  CHILD_CHECK(nosigbus::compare_exchange(bad, expected, first) == -EFAULT && expected == second);
}

}  // namespace

TEST_CASE("every trivially copyable type of a fitting size is loaded and stored") {
  CHECK(in_child([] {
          enter_by(entry::installed);
          int object = 0;
          round_trip<char>('a', 'b');
          round_trip<bool>(true, false);
          round_trip<std::byte>(std::byte{1}, std::byte{255});
          round_trip<int16_t>(-2, 3);
          round_trip<float>(1.5f, -2.5f);
          round_trip<state>(state::busy, state::idle);
          round_trip<no_default>(no_default(3), no_default(4));
          round_trip<double>(1.25, -1.0);
          round_trip<int*>(&object, nullptr);
          round_trip<bytes<1>>({{1}}, {{2}});
          round_trip<bytes<2>>({{1, 2}}, {{3, 4}});
          round_trip<bytes<4>>({{1, 2, 3, 4}}, {{5, 6, 7, 8}});
          round_trip<bytes<8>>({{1, 2, 3, 4, 5, 6, 7, 8}}, {{9}});
          round_trip<bytes<16>>({{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}, {{17}});
          round_trip<pair>({1.5, 7}, {2.5, 8});
          round_trip<std::array<uint32_t, 4>>({1, 2, 3, 4}, {5, 6, 7, 8});
          return 0;
        }) == exited(0));
}

TEST_CASE("a byte that is no bool is loaded as true") {
  const unsigned char byte = 0x40;
  CHECK(nosigbus::load(reinterpret_cast<const bool*>(&byte)) == true);
}

TEST_CASE("integers, enumerations and pointers are atomic") {
  CHECK(in_child([] {
          enter_by(entry::installed);
          const arena memory(badness::truncated);
          int objects[2] = {};
          const auto at = [&]<class T>(T) { return reinterpret_cast<T*>(memory.good()); };
          const auto bad = [&]<class T>(T) { return reinterpret_cast<T*>(memory.bad()); };
          atomics(at(int{}), bad(int{}), -1, 2);
          atomics(at(uint64_t{}), bad(uint64_t{}), UINT64_MAX, uint64_t{1});
          atomics(at(state{}), bad(state{}), state::busy, state::idle);
          using pointer = int*;
          atomics(at(pointer{}), bad(pointer{}), &objects[0], &objects[1]);
          auto* const number = reinterpret_cast<int64_t*>(memory.good());
          *number = 5;
          CHILD_CHECK(nosigbus::fetch_add(number, -7) == 5 && *number == -2);
          CHILD_CHECK(!nosigbus::fetch_add(bad(int{}), 1));
          return 0;
        }) == exited(0));
}
