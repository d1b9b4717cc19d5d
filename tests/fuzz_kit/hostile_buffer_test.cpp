// SPDX-License-Identifier: MIT
//
// Acts come where they were asked for, between two instructions, and leave nothing to the next buffer.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <random>

#include "consumer.h"
#include "support/no_qemu.h"

using namespace test;
using nosigbus::act_kind;
using nosigbus::hostile_act;
using nosigbus::hostile_buffer;

namespace {

const size_t page = page_size();

// Whether pages can be made to fail.
bool possible(act_kind kind) {
  if (kind == act_kind::poison) kind = act_kind::io_error;
  if (hostile_buffer::can(kind)) return true;
  MESSAGE("skipped: no userfaultfd here");
  return false;
}

uint64_t model(const hostile_act& act, uint64_t before) {
  uint64_t changed = act.value;
  if (act.kind == act_kind::add) changed += before;
  const unsigned bits = 8u * act.width;
  const uint64_t mask = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  return (before & ~mask) | (changed & mask);
}

// Reads the same integer six times.
void read_again_and_again(const hostile_act& act, size_t offset) {
  const auto bytes = content(3 * page - 5);
  const hostile_buffer buffer(bytes, {&act, 1});
  uint64_t whole = 0;
  memcpy(&whole, bytes.data() + offset, sizeof whole);
  for (unsigned read = 1; read <= 6; ++read) {
    const uint64_t is = *reinterpret_cast<const volatile uint64_t*>(buffer.data() + offset);
    const bool changed = act.after ? read > act.touch : read >= act.touch;
    CHILD_CHECK(is == (changed ? model(act, whole) : whole));
  }
  CHILD_CHECK(buffer.done() == 1 && buffer.failed() == 0 && buffer.touches() == act.touch);
}

}  // namespace

TEST_CASE("bytes change between two reads of the same location") {
  if (!nosigbus::detail::can_single_step) return;
  const size_t offset = page + 48;
  for (const act_kind kind : {act_kind::write, act_kind::add}) {
    for (const uint8_t width : {1, 2, 4, 8}) {
      for (const bool after : {false, true}) {
        for (const bool at_touch : {false, true}) {
          for (uint32_t touch = 1; touch <= 5; ++touch) {
            CAPTURE(static_cast<int>(kind));
            CAPTURE(touch);
            const hostile_act act{kind,      after, at_touch, width, touch, 1, static_cast<uint32_t>(offset),
                                  0xfedcba98};
            CHECK(in_child([&] { return read_again_and_again(act, offset), 0; }) == exited(0));
          }
        }
      }
    }
  }
}

TEST_CASE("the first touch is met on every processor") {
  const hostile_act act{act_kind::write, false, true, 4, 1, 0, 0, 7};
  const auto bytes = content(100);
  const hostile_buffer buffer(bytes, {&act, 1});
  CHECK(read_word(buffer.data(), 8) == 7);
  CHECK(buffer.touches() == 1);
}

TEST_CASE("a page that goes away kills who is not prepared" NO_QEMU("its SIGBUS")) {
  for (const act_kind kind : {act_kind::truncate, act_kind::io_error, act_kind::poison}) {
    if (!possible(kind)) continue;
    for (const uint16_t where : {0, 1, 2}) {
      for (const uint32_t touch : {1u, 3u}) {
        if (touch > 1 && !nosigbus::detail::can_single_step) continue;
        CAPTURE(static_cast<int>(kind));
        CAPTURE(where);
        const hostile_act act{kind, false, true, 4, touch, where, 0, 0};
        const auto reads = [&](unsigned count) {
          const auto bytes = content(3 * page);
          const hostile_buffer buffer(bytes, {&act, 1});
          for (unsigned i = 0; i < count; ++i) {
            CHILD_CHECK(read_byte(buffer.data(), where * page + i) == pattern(where * page + i));
          }
          return 0;
        };
        CHECK(in_child([&] { return reads(touch - 1); }) == exited(0));
        CHECK(in_child([&] { return reads(touch); }) == killed_by(SIGBUS));
      }
    }
  }
}

TEST_CASE("a page that goes away is zeros in a region" NO_QEMU("its SIGBUS")) {
  for (const act_kind kind : {act_kind::truncate, act_kind::io_error, act_kind::poison}) {
    if (!possible(kind)) continue;
    CAPTURE(static_cast<int>(kind));
    const auto reads = [&] {
      const hostile_act act{kind, false, true, 4, 1, 1, 0, 0};
      const auto bytes = content(2 * page);
      const hostile_buffer buffer(bytes, {&act, 1});
      const nosigbus::region region = adopt(buffer);
      CHILD_CHECK(read_byte(buffer.data(), 10) == pattern(10));
      CHILD_CHECK(read_byte(buffer.data(), page + 10) == 0);
      CHILD_CHECK(read_byte(buffer.data(), page + 11) == 0);
      CHILD_CHECK(buffer.done() == 1 && buffer.failed() == 0);
      const nosigbus_cause expected = kind == act_kind::truncate ? NOSIGBUS_EOF
                                      : hostile_buffer::can(act_kind::poison) && kind == act_kind::poison
                                          ? NOSIGBUS_POISON
                                          : NOSIGBUS_IO;
      CHILD_CHECK(region.status().cause == expected);
      return 0;
    };
    CHECK(in_child(reads) == exited(0));
  }
}

TEST_CASE("a guard stops at the page that went away" NO_QEMU("its SIGBUS")) {
  const auto reads = [] {
    nosigbus::install();
    const hostile_act act{act_kind::truncate, false, true, 4, 1, 1, 0, 0};
    const auto bytes = content(2 * page);
    const hostile_buffer buffer(bytes, {&act, 1});
    const auto sum =
        nosigbus::guard([&] { return read_byte(buffer.data(), 3) + read_byte(buffer.data(), page + 3); });
    CHILD_CHECK(!sum && sum.fault().address == reinterpret_cast<uintptr_t>(buffer.data()) + page + 3);
    return 0;
  };
  CHECK(in_child(reads) == exited(0));
}

TEST_CASE("a file grows back: with zeros or with what was there" NO_QEMU("its SIGBUS")) {
  if (!nosigbus::detail::can_single_step) return;
  for (const act_kind kind : {act_kind::grow, act_kind::restore}) {
    const auto reads = [&] {
      const hostile_act acts[] = {{act_kind::truncate, true, true, 4, 1, 1, 0, 0},
                                  {kind, false, false, 4, 2, 1, 0, 0}};
      const auto bytes = content(2 * page);
      const hostile_buffer buffer(bytes, acts);
      CHILD_CHECK(read_byte(buffer.data(), page) == pattern(page));
      const unsigned char is = read_byte(buffer.data(), page);
      CHILD_CHECK(is == (kind == act_kind::grow ? 0 : pattern(page)) && buffer.done() == 2);
      return 0;
    };
    CHECK(in_child(reads) == exited(0));
  }
}

TEST_CASE("pages are taken out and read as zeros") {
  for (const uint32_t more : {0u, 1u, 15u}) {
    const hostile_act act{act_kind::punch, false, false, 4, 1, 0, static_cast<uint32_t>(page + 100), more};
    const auto bytes = content(4 * page);
    const hostile_buffer buffer(bytes, {&act, 1});
    CHECK(read_byte(buffer.data(), 0) == pattern(0));
    CHECK(read_byte(buffer.data(), page) == 0);
    CHECK(read_byte(buffer.data(), 2 * page) == (more == 0 ? pattern(2 * page) : 0));
    CHECK(read_byte(buffer.data(), 3 * page) == (more < 2 ? pattern(3 * page) : 0));
  }
}

TEST_CASE("what is written behind the end of the file does not let it grow") {
  const auto written = [](uint32_t end, uint32_t offset) {
    const hostile_act acts[] = {{act_kind::truncate, false, false, 4, 1, 0, end, 0},
                                {act_kind::write, false, false, 8, 1, 0, offset, ~0u},
                                {act_kind::add, false, false, 8, 1, 0, offset, 1}};
    const auto bytes = content(2 * page);
    const hostile_buffer buffer(bytes, acts);
    CHECK(read_byte(buffer.data(), 0) == pattern(0));
    struct stat status {};
    CHECK(fstat(buffer.fd(), &status) == 0);
    CHECK(status.st_size == end);
    return buffer.done();
  };
  CHECK(written(100, 50) == 3);
  CHECK(written(100, 97) == 3);  // as much of it as there is
  CHECK(written(100, 100) == 1);
  CHECK(written(100, static_cast<uint32_t>(page)) == 1);
}

TEST_CASE("nothing is left to the next buffer" NO_QEMU("its SIGBUS")) {
  const auto rounds = [] {
    size_t descriptors = 0, mappings = 0;
    for (int round = 0; round < 3; ++round) {
      for (unsigned kind = 0; kind <= static_cast<unsigned>(act_kind::poison); ++kind) {
        for (const size_t size : {size_t{0}, size_t{1}, page - 1, page, page + 1, 5 * page, 40 * page}) {
          {
            const hostile_act act{static_cast<act_kind>(kind), false, true, 4, 1, 1, 0, 1};
            const auto bytes = content(size);
            const hostile_buffer hostile(bytes, {&act, 1});
            if (size == 0) continue;
            const nosigbus::region region = adopt(hostile);
            for (size_t i = 0; i < size; i += 64) read_byte(hostile.data(), i);
          }
          const auto bytes = content(size / 2);
          const hostile_buffer next(bytes, {});
          CHILD_CHECK(std::equal(bytes.begin(), bytes.end(), next.data()));
          CHILD_CHECK(next.touches() == 0 && next.done() == 0 && next.failed() == 0);
        }
      }
      if (round == 0) descriptors = count_descriptors(), mappings = count_vmas();
    }
    CHILD_CHECK(count_descriptors() == descriptors && count_vmas() <= mappings + 2);
    return 0;
  };
  CHECK(in_child(rounds) == exited(0));
}

TEST_CASE("a consumer that maps the file itself is met there" NO_QEMU("its SIGBUS")) {
  const auto reads = [] {
    nosigbus::install();
    const hostile_act act{act_kind::truncate, false, true, 4, 1, 1, 0, 0};
    const auto bytes = content(3 * page);
    hostile_buffer buffer(bytes, {&act, 1});
    auto region = nosigbus::region::map(buffer.fd(), 0, 3 * page, PROT_READ);
    CHILD_CHECK(region);
    buffer.follow(region->data());
    CHILD_CHECK(read_byte(buffer.data(), page) == pattern(page) && buffer.done() == 0);
    CHILD_CHECK(read_byte(region->data(), 0) == pattern(0) && read_byte(region->data(), page) == 0);
    CHILD_CHECK(buffer.done() == 1 && region->status().cause == NOSIGBUS_EOF);
    return 0;
  };
  CHECK(in_child(reads) == exited(0));
}

TEST_CASE("the same input is the same interleaving" NO_QEMU("its SIGBUS")) {
  const auto twice = [] {
    std::mt19937 random(1);
    for (int round = 0; round < 300; ++round) {
      const auto bytes = content(random() % (6 * page));
      std::vector<hostile_act> acts(random() % 6);
      for (hostile_act& act : acts) {
        act = {static_cast<act_kind>(random() % 8),
               random() % 2 != 0,
               random() % 2 != 0,
               static_cast<uint8_t>(1u << random() % 4),
               1 + static_cast<uint32_t>(random() % 40),
               static_cast<uint16_t>(random()),
               static_cast<uint32_t>(random()),
               static_cast<uint32_t>(random())};
      }
      const std::vector<uint8_t> input = nosigbus::hostile_input::encode(bytes, acts);
      std::vector<uint64_t> seen[2];
      for (auto& trace : seen) {
        const hostile_buffer buffer(input.data(), input.size());
        CHILD_CHECK(buffer.size() == bytes.size());
        if (buffer.size() == 0) continue;
        const nosigbus::region region = adopt(buffer);
        for (size_t i = 0; i < buffer.size(); i += 61) trace.push_back(read_byte(buffer.data(), i));
        for (const uint64_t count : {buffer.touches(), uint64_t{buffer.done()}, uint64_t{buffer.failed()}}) {
          trace.push_back(count);
        }
      }
      CHILD_CHECK(seen[0] == seen[1]);
    }
    return 0;
  };
  CHECK(in_child(twice, 60) == exited(0));
}
