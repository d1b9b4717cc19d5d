// SPDX-License-Identifier: MIT
//
// The format of inputs, which corpora rely on.
#include <doctest/doctest.h>

#include <random>

#include "consumer.h"

using namespace test;
using nosigbus::act_kind;
using nosigbus::hostile_act;
using nosigbus::hostile_input;

namespace {

using input_bytes = std::vector<uint8_t>;

input_bytes bytes_of(size_t content, std::initializer_list<input_bytes> acts, uint8_t last) {
  input_bytes input(content, 0x5a);
  for (const input_bytes& act : acts) input.insert(input.end(), act.begin(), act.end());
  input.push_back(last);
  return input;
}

hostile_act only_act(const input_bytes& input) {
  const hostile_input taken(input.data(), input.size());
  REQUIRE(taken.acts().size() == 1);
  return taken.acts()[0];
}

}  // namespace

TEST_CASE("an act has its bytes where corpora have them") {
  const input_bytes act = {0x34, 0x03, 0x02, 0x01, 0x44, 0x33, 0x22, 0x11, 0xdd, 0xcc, 0xbb, 0xaa};
  const input_bytes input = bytes_of(7, {act}, 1);
  const hostile_act is = only_act(input);
  CHECK(is == hostile_act{act_kind::write, true, true, 1, 4, 0x0102, 0x11223344, 0xaabbccdd});
  CHECK(hostile_input(input.data(), input.size()).content().size() == 7);
}

TEST_CASE("each field is read from its bits alone") {
  for (unsigned first = 0; first < 256; ++first) {
    CAPTURE(first);
    const input_bytes input =
        bytes_of(0, {{static_cast<uint8_t>(first), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}, 1);
    const hostile_input taken(input.data(), input.size());
    // Kinds that there are not are left out.
    REQUIRE(taken.acts().size() == ((first & 15) < 8 ? 1 : 0));
    if (taken.acts().empty()) continue;
    const hostile_act& act = taken.acts()[0];
    CHECK(static_cast<unsigned>(act.kind) == (first & 15));
    CHECK(act.after == ((first & 16) != 0));
    CHECK(act.at_touch == ((first & 32) != 0));
    CHECK(act.width == 1u << (first >> 6));
  }
  for (unsigned code = 0; code < 256; ++code) {
    const input_bytes input = bytes_of(0, {{0, static_cast<uint8_t>(code), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}, 1);
    const uint32_t factors[] = {1, 1, 1, 1, 2, 4, 8, 32};
    CHECK(only_act(input).touch == (1 + code % 32) * factors[code / 32]);
  }
}

TEST_CASE("of the last byte the low bits are the number of acts and as many are taken as fit") {
  for (size_t size = 0; size <= 200; ++size) {
    for (unsigned last = 0; last < 256; ++last) {
      if (size == 0 && last > 0) continue;
      input_bytes input(size, 0);
      if (size != 0) input.back() = static_cast<uint8_t>(last);
      const hostile_input taken(input.data(), input.size());
      const size_t acts = size == 0 ? 0 : std::min<size_t>(last % 16, (size - 1) / 12);
      REQUIRE(taken.acts().size() == acts);
      REQUIRE(taken.content().size() == (size == 0 ? 0 : size - 1 - 12 * acts));
    }
  }
}

TEST_CASE("what was encoded is taken apart again") {
  std::mt19937 random(2);
  for (int round = 0; round < 1000; ++round) {
    const auto bytes = content(random() % 100);
    std::vector<hostile_act> acts(random() % 20);
    for (hostile_act& act : acts) {
      act = {static_cast<act_kind>(random() % 8),
             random() % 2 != 0,
             random() % 2 != 0,
             static_cast<uint8_t>(1u << random() % 4),
             (1 + static_cast<uint32_t>(random() % 32)) * (random() % 2 != 0 ? 1 : 32),
             static_cast<uint16_t>(random()),
             static_cast<uint32_t>(random()),
             static_cast<uint32_t>(random())};
    }
    const input_bytes input = hostile_input::encode(bytes, acts);
    const hostile_input taken(input.data(), input.size());
    if (acts.size() > hostile_input::most_acts) acts.resize(hostile_input::most_acts);
    REQUIRE(std::equal(acts.begin(), acts.end(), taken.acts().begin(), taken.acts().end()));
    REQUIRE(std::equal(bytes.begin(), bytes.end(), taken.content().begin(), taken.content().end()));
  }
}

TEST_CASE("a touch that has no code is encoded as the next one that has") {
  for (const auto& [asked, got] : {std::pair{0u, 1u},
                                   {32u, 32u},
                                   {33u, 34u},
                                   {63u, 64u},
                                   {65u, 68u},
                                   {257u, 288u},
                                   {1024u, 1024u},
                                   {1025u, 1024u}}) {
    hostile_act act;
    act.touch = asked;
    CHECK(only_act(hostile_input::encode({}, {&act, 1})).touch == got);
  }
}
