// SPDX-License-Identifier: MIT
//
// Guarded copies from and to files that other processes truncate and grow all the time: whatever they say
// was right at some moment, and what they say was copied is there.
#include <doctest/doctest.h>
#include <nosigbus/copy.h>
#include <src/shared/routines.h>

#include <algorithm>
#include <cstring>
#include <nosigbus/nosigbus.hpp>
#include <random>
#include <vector>

#include "support/entry.h"
#include "support/hostile.h"
#include "support/sampling.h"
#include "support/use_set.h"

using namespace test;

namespace {

const size_t page = page_size();
constexpr size_t pages = 8;
constexpr size_t kept_pages = 2;  // never truncated: each byte of them is right at any time
const size_t whole = pages * page, kept = kept_pages * page;
constexpr unsigned char untouched = 0xa5, filler = 0x3c;
constexpr size_t margin = 16;

struct piece {
  size_t begin, n;
};

// Most are short and across the end of a page, so that every path of the copies meets one that goes away.
piece draw_piece(std::mt19937& random) {
  if (random() % 8 == 0) {
    const size_t begin = random() % whole;
    return {begin, random() % (whole - begin)};
  }
  const size_t n = random() % 600;
  const size_t boundary = (1 + random() % (pages - 1)) * page;
  return {boundary - random() % (n + 1), n};
}

// first, second: what may have ended the operation. Returns what it said.
size_t checked(size_t copied, piece of, const unsigned char* first, const unsigned char* second) {
  CHILD_CHECK(copied <= of.n);
  const nosigbus_fault& fault = *nosigbus_last_fault();
  if (copied == of.n) {
    CHILD_CHECK(fault.cause == NOSIGBUS_NONE);
  } else {
    const size_t at = of.begin + copied;
    CHILD_CHECK(at >= kept);
    CHILD_CHECK(fault.cause == NOSIGBUS_MISSING);
    CHILD_CHECK(fault.address == reinterpret_cast<uintptr_t>(first + at) ||
                fault.address == reinterpret_cast<uintptr_t>(second + at));
  }
  return copied;
}

using read_operation = size_t (*)(void*, const void*, size_t);

void read(read_operation operation, const unsigned char* source, piece of, size_t alignment) {
  std::vector<unsigned char> buffer(of.n + alignment + 2 * margin, untouched);
  unsigned char* const dst = buffer.data() + margin + alignment;
  const size_t copied = checked(operation(dst, source + of.begin, of.n), of, source, source);
  for (size_t i = 0; i < copied; ++i) {
    const size_t at = of.begin + i;
    CHILD_CHECK(dst[i] == pattern(at) || (dst[i] == 0 && at >= kept));
  }
  for (size_t i = copied; i < of.n; ++i) CHILD_CHECK(dst[i] == 0);
  for (size_t i = 0; i < margin; ++i) CHILD_CHECK(buffer[i] == untouched && dst[of.n + i] == untouched);
}

// operation(dst) puts expected(at) there. Only what is never truncated can be looked at afterwards.
template <class Operation, class Expected>
void write(unsigned char* target, piece of, const unsigned char* source, Operation operation,
           Expected expected) {
  memset(target, untouched, kept);
  checked(operation(target + of.begin), of, source, target);
  const size_t end = std::min(of.begin + of.n, kept);
  for (size_t at = 0; at < kept; ++at) {
    CHILD_CHECK(target[at] == (at >= of.begin && at < end ? expected(at) : untouched));
  }
}

void copy(const unsigned char* source, unsigned char* target, const std::vector<unsigned char>& model,
          std::mt19937& random) {
  piece of = draw_piece(random);
  read(read_in_force(), source, of, random() % 32);
  of = draw_piece(random);
  read(nosigbus_safe_copy, source, of, random() % 32);
  of = draw_piece(random);
  write(
      target, of, target, [&](void* dst) { return nosigbus_safe_write(dst, &model[of.begin], of.n); },
      pattern);
  of = draw_piece(random);
  write(
      target, of, target, [&](void* dst) { return nosigbus_safe_fill(dst, filler, of.n); },
      [](size_t) { return filler; });
  of = draw_piece(random);
  write(
      target, of, source, [&](void* dst) { return nosigbus_safe_copy(dst, source + of.begin, of.n); },
      pattern);
}

void race() {
  enter_by(entry::installed);
  shared_file source_file(whole), target_file(whole);
  const unsigned char* const source = source_file.map(whole);
  unsigned char* const target = target_file.map(whole, PROT_READ | PROT_WRITE);
  std::vector<unsigned char> model(whole);
  for (size_t i = 0; i < model.size(); ++i) model[i] = pattern(i);
  // What is written is not drawn over, so that it can be looked at.
  const hostile_process of_source(source_file, kept, 4), of_target(target_file, kept, 0);
  const size_t rounds = 10000 / sampling();
  std::mt19937 random(7);
  // However seldom the other side's turn comes, enough of it is met.
  for (size_t i = 0; i < rounds || nosigbus::stats().absorbed <= rounds / 10; ++i) {
    copy(source, target, model, random);
  }
  of_source.stop();
  of_target.stop();
}

}  // namespace

TEST_CASE("copies from and to files that change say and do what was right at some moment") {
  for (size_t set = 0; set < nosigbus::arch::routines_count; ++set) {
    const char* const name = nosigbus::arch::all_routines[set].name;
    if (!nosigbus::use_routines(name)) continue;
    CAPTURE(name);
    CHECK(in_child(
              [] {
                race();
                return 0;
              },
              200) == exited(0));
  }
}
