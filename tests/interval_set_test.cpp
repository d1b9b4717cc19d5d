// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <src/shared/interval_set.h>

#include <bitset>
#include <ostream>
#include <random>

using nosigbus::interval;
using set = nosigbus::interval_set<3>;

namespace {

constexpr size_t positions = 64;

std::bitset<positions> bits(const set& s) {
  std::bitset<positions> out;
  for (size_t i = 0; i < positions; ++i) out[i] = s.contains(i);
  return out;
}

bool well_formed(const set& s) {
  for (unsigned i = 0; i < s.size(); ++i) {
    if (s[i].begin >= s[i].end) return false;
    if (i > 0 && s[i - 1].end >= s[i].begin) return false;  // disjoint, sorted, not even touching
  }
  return s.size() <= 3;
}

}  // namespace

TEST_CASE("touching and overlapping intervals become one") {
  set s;
  s.add({10, 12});
  s.add({12, 14});
  CHECK(s.size() == 1);
  s.add({20, 22});
  s.add({11, 30});
  CHECK(s.size() == 1);
  CHECK(s.hull().begin == 10);
  CHECK(s.hull().end == 30);
}

TEST_CASE("the fourth interval grows to its nearest neighbour") {
  set s;
  s.add({0, 1});
  s.add({20, 21});
  s.add({60, 61});
  const interval left = s.widened({24, 25});
  CHECK(left.begin == 21);
  CHECK(left.end == 25);
  const interval right = s.widened({50, 52});
  CHECK(right.begin == 50);
  CHECK(right.end == 60);
  const interval touching = s.widened({1, 2});
  CHECK(touching.begin == 1);
  CHECK(touching.end == 2);
}

TEST_CASE("random additions and trims equal a set of bits") {
  std::mt19937 random(20);
  for (int round = 0; round < 20000; ++round) {
    set s;
    std::bitset<positions> model;
    for (int step = 0; step < 12; ++step) {
      const size_t begin = random() % (positions - 1);
      const size_t end = begin + 1 + random() % (positions - begin - 1 < 6 ? positions - begin : 6);
      if (!s.empty() && random() % 4 == 0) {
        const unsigned i = random() % s.size();
        const interval before = s[i];
        const bool kept = s.trim_front(i, end);
        for (size_t p = before.begin; p < before.end && p < end; ++p) model[p] = false;
        REQUIRE(kept == (end < before.end));
      } else {
        const interval wide = s.widened({begin, end});
        REQUIRE(wide.begin <= begin);
        REQUIRE(wide.end >= end);
        s.add(wide);
        for (size_t p = wide.begin; p < wide.end; ++p) model[p] = true;
      }
      REQUIRE(well_formed(s));
      REQUIRE(bits(s) == model);
    }
  }
}
