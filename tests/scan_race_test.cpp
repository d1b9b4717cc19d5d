// SPDX-License-Identifier: MIT
//
// Guarded scans of a file that another process truncates and grows all the time: whatever they answer was
// right at some moment, and the copy of a string is one string.
#include <nosigbus/nosigbus.hpp>
#include <random>
#include <vector>

#include "support/hostile.h"
#include "support/routine_sets.h"

using namespace test;

namespace {

const size_t page = page_size();
constexpr size_t pages = 8;
constexpr size_t kept_pages = 2;  // never truncated: each byte of them is right at any time

// An operation on n bytes from `begin` on ended after `length`: at a byte that changes, and says why.
void check_answer(const unsigned char* file, size_t begin, size_t length, size_t n) {
  CHILD_CHECK(length <= n);
  if (length == n) {
    CHILD_CHECK(met_nothing());
    return;
  }
  CHILD_CHECK(begin + length >= kept_pages * page);
  if (met_nothing()) return;  // found a zero, where the file had just grown
  CHILD_CHECK(nosigbus_last_fault()->address == reinterpret_cast<uintptr_t>(file) + begin + length);
}

void scan(const unsigned char* file, const std::vector<unsigned char>& model, std::mt19937& random) {
  std::vector<char> dst(pages * page);
  const size_t begin = random() % (pages * page);
  const size_t n = random() % (pages * page - begin);
  const char* const s = reinterpret_cast<const char*>(file) + begin;

  check_answer(file, begin, scans_in_force().strnlen(s, n), n);
  check_answer(file, begin, scans_in_force().memchr(s, 0, n), n);
  check_answer(file, begin, scans_in_force().memcmp(s, model.data() + begin, n), n);
  check_answer(file, begin, scans_in_force().memcmp(model.data() + begin, s, n), n);

  memset(dst.data(), 'x', n);
  const size_t copied = nosigbus_safe_strncpy(dst.data(), s, n);
  check_answer(file, begin, copied, n);
  CHILD_CHECK(memcmp(dst.data(), model.data() + begin, copied) == 0);
  for (size_t i = copied; i < n; ++i) CHILD_CHECK(dst[i] == 0);
}

}  // namespace

TEST_CASE("scans of a file that changes answer what was right at some moment") {
  for (const char* const name : routine_sets) {
    if (!use_set(name)) continue;
    CAPTURE(name);
    CHECK(in_child(
              [] {
                enter_by(entry::installed);
                shared_file file(pages * page);
                const unsigned char* const mapping = file.map(pages * page);
                std::vector<unsigned char> model(pages * page);
                for (size_t i = 0; i < model.size(); ++i) model[i] = pattern(i);
                const hostile_process hostile(file, kept_pages * page, 4);
                std::mt19937 random(7);
                // However seldom the other side's turn comes, enough of it is met.
                for (int i = 0; i < 30000 || nosigbus::stats().absorbed <= 1000; ++i)
                  scan(mapping, model, random);
                hostile.stop();
                return 0;
              },
              200) == exited(0));
  }
}
