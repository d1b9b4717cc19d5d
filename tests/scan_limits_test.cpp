// SPDX-License-Identifier: MIT
//
// What guarded scans do not absorb, what they do not touch, and what they say of zeros that a region
// supplied.
#include <vector>

#include "support/region_fixture.h"
#include "support/routine_sets.h"

using namespace test;

namespace {

template <class Body>
void killed_by_each_entry(int signo, unsigned flags, Body body) {
  for (const entry how : entries) {
    CAPTURE(static_cast<int>(how));
    CHECK(in_child([&] {
            enter_by(how, flags);
            body();
            return 0;
          }) == killed_by(signo));
  }
}

const char* chars(const unsigned char* bytes) { return reinterpret_cast<const char*>(bytes); }

// Runs body in a child without any handler, with each set of routines.
template <class Body>
void without_handler(Body body) {
  for (const char* const name : routine_sets) {
    if (!use_set(name)) continue;
    CAPTURE(name);
    CHECK(in_child([&] {
            body();
            return 0;
          }) == exited(0));
  }
}

}  // namespace

TEST_CASE("without a handler a bad byte kills each scan") {
  const auto killed = [](auto body) {
    CHECK(in_child([&] {
            const arena memory(badness::truncated);
            memory.fill('a');
            body(memory.bad() - 40);
            return 0;
          }) == killed_by(SIGBUS));
  };
  killed([](const unsigned char* s) { nosigbus_safe_strnlen(chars(s), 50); });
  killed([](const unsigned char* s) { nosigbus_safe_memchr(s, 'b', 41); });
  killed([](const unsigned char* s) { nosigbus_safe_memcmp(s - 1, s, 41); });
  killed([](const unsigned char* s) {
    char dst[50];
    nosigbus_safe_strncpy(dst, chars(s), 50);
  });
}

TEST_CASE("SIGSEGV kills each scan without NOSIGBUS_CATCH_SEGV") {
  char dst[50] = {};
  killed_by_each_entry(SIGSEGV, 0, [] { nosigbus_safe_strnlen(nullptr, 20); });
  killed_by_each_entry(SIGSEGV, 0, [] { nosigbus_safe_memchr(nullptr, 'b', 20); });
  killed_by_each_entry(SIGSEGV, 0, [&] { nosigbus_safe_memcmp(dst, nullptr, 20); });
  killed_by_each_entry(SIGSEGV, 0, [&] { nosigbus_safe_strncpy(dst, nullptr, 20); });
}

TEST_CASE("a bad destination of safe_strncpy kills") {
  killed_by_each_entry(SIGBUS, NOSIGBUS_CATCH_SEGV, [] {
    const arena memory(badness::truncated);
    nosigbus_safe_strncpy(reinterpret_cast<char*>(memory.bad() - 2), "text", 5);
  });
  // Where the string ends in front of the bad byte, the zeros behind it do not.
  killed_by_each_entry(SIGSEGV, NOSIGBUS_CATCH_SEGV, [] {
    const arena memory(badness::protected_page);
    nosigbus_safe_strncpy(reinterpret_cast<char*>(memory.bad() - 8), "text", 50);
  });
}

TEST_CASE("libc's scans kill, in the same process that guarded ones survive") {
  killed_by_each_entry(SIGBUS, NOSIGBUS_CATCH_SEGV, [] {
    const arena memory(badness::truncated);
    memory.fill('a');
    const char* const s = chars(memory.bad() - 9);
    CHILD_CHECK(nosigbus_safe_strnlen(s, 50) == 9);
    _exit(static_cast<int>(strnlen(s, 50)));
  });
}

TEST_CASE("no other page is touched than those that hold a byte of what is scanned") {
  without_handler([] {
    const arena memory(badness::protected_page), second(badness::protected_page);
    memory.fill('a');
    second.fill('a');
    std::vector<char> dst(600);
    for (size_t n = 0; n <= 500; ++n) {
      const unsigned char* const s = memory.bad() - n;
      CHILD_CHECK(scans_in_force().strnlen(chars(s), n) == n);
      CHILD_CHECK(scans_in_force().memchr(s, 'b', n) == n);
      CHILD_CHECK(scans_in_force().memcmp(s, second.bad() - n, n) == n);
      CHILD_CHECK(scans_in_force().memcmp(s, second.base(), n) == n);
      CHILD_CHECK(nosigbus_safe_strncpy(dst.data(), chars(s), n) == n);
      // What begins where the bad page ends.
      CHILD_CHECK(scans_in_force().memchr(memory.behind(), 'b', n) == n);
      CHILD_CHECK(scans_in_force().memcmp(memory.behind(), second.behind(), n) == n);
    }
  });
}

TEST_CASE("searches touch no page behind their answer") {
  without_handler([] {
    const arena memory(badness::protected_page);
    memory.fill('a');
    memory.bad()[-1] = 0;
    std::vector<char> dst(1200);
    for (size_t n = 1; n <= 500; ++n) {
      const unsigned char* const s = memory.bad() - n;
      CHILD_CHECK(scans_in_force().strnlen(chars(s), SIZE_MAX) == n - 1);
      CHILD_CHECK(scans_in_force().memchr(s, 0, n + 600) == n - 1);
      CHILD_CHECK(nosigbus_safe_strncpy(dst.data(), chars(s), n + 600) == n - 1);
      CHILD_CHECK(met_nothing());
    }
  });
}

TEST_CASE("zero bytes touch nothing") {
  without_handler([] {
    char dst = 'a';
    CHILD_CHECK(scans_in_force().strnlen(nullptr, 0) == 0);
    CHILD_CHECK(scans_in_force().memchr(nullptr, 'a', 0) == 0);
    CHILD_CHECK(scans_in_force().memcmp(nullptr, nullptr, 0) == 0);
    CHILD_CHECK(nosigbus_safe_strncpy(&dst, nullptr, 0) == 0);
    CHILD_CHECK(dst == 'a');
    CHILD_CHECK(met_nothing());
  });
}

TEST_CASE("zeros that a region supplies are data, and the record tells") {
  with_each_region([](origin from) {
    const size_t page = page_size();
    const shared_file file(page);
    const nosigbus::region region = make_region(from, file, 4 * page);
    const unsigned char* const s = static_cast<unsigned char*>(region.data());
    const auto tells = [&](const unsigned char* first) {
      return nosigbus::last_fault().cause == NOSIGBUS_EOF &&
             nosigbus::last_fault().address == reinterpret_cast<uintptr_t>(first);
    };
    std::vector<char> dst(4 * page, 'x');
    // Twice: with the overlay made meanwhile, and with it there already.
    for (int i = 0; i < 2; ++i) {
      CHILD_CHECK(nosigbus::safe_strnlen(chars(s + 5), 3 * page) == page - 5);
      CHILD_CHECK(tells(s + page));
      CHILD_CHECK(nosigbus::safe_memchr(s + 5, 0, 3 * page) == page - 5);
      CHILD_CHECK(tells(s + page));
      CHILD_CHECK(nosigbus::safe_strncpy(dst.data(), chars(s), dst.size()) == page);
      CHILD_CHECK(tells(s + page));
      CHILD_CHECK(dst[page - 1] != 0 && dst[page] == 0 && dst.back() == 0);
    }
    CHILD_CHECK(nosigbus::safe_memcmp(s + page, s + 2 * page, page) == page);
    CHILD_CHECK(tells(s + page));
    CHILD_CHECK(nosigbus::safe_memcmp(dst.data(), s, 2 * page) == 2 * page);
    CHILD_CHECK(tells(s + page));
    CHILD_CHECK(nosigbus::safe_memcmp(s, dst.data(), 2 * page) == 2 * page);
    CHILD_CHECK(tells(s + page));
    // Of both sides, the one that comes first.
    CHILD_CHECK(nosigbus::safe_memcmp(s + page + 9, s + 2 * page, 40) == 40);
    CHILD_CHECK(tells(s + page + 9));
    CHILD_CHECK(nosigbus::safe_memcmp(s + page - 1, s + 2 * page, 40) == 0);
    CHILD_CHECK(tells(s + 2 * page));
  });
}

TEST_CASE("an overlay behind the answer is not reported, and not made") {
  with_each_region([](origin from) {
    const size_t page = page_size();
    const shared_file file(page);
    const unsigned char nul = 0;
    CHILD_CHECK(pwrite(file.fd(), &nul, 1, static_cast<off_t>(page - 1)) == 1);
    const nosigbus::region region = make_region(from, file, 4 * page);
    const unsigned char* const s = static_cast<unsigned char*>(region.data());
    std::vector<char> dst(4 * page, 'x');
    for (int i = 0; i < 2; ++i) {
      CHILD_CHECK(nosigbus::safe_strnlen(chars(s), 3 * page) == page - 1);
      CHILD_CHECK(met_nothing());
      CHILD_CHECK(nosigbus::safe_memchr(s + 7, 0, 3 * page) == page - 8);
      CHILD_CHECK(met_nothing());
      CHILD_CHECK(nosigbus::safe_strncpy(dst.data(), chars(s), dst.size()) == page - 1);
      CHILD_CHECK(met_nothing());
      CHILD_CHECK(nosigbus::safe_memcmp(s, "?", 1) == 0);
      CHILD_CHECK(met_nothing());
      CHILD_CHECK(nosigbus::safe_memcmp(s, dst.data(), page) == page);
      CHILD_CHECK(met_nothing());
      CHILD_CHECK(region.status().overlaid == (i == 1));
      peek(region, 2 * page);
    }
  });
}

TEST_CASE("with NOSIGBUS_CLIP a scan takes the last page's bytes behind the end of file for zeros") {
  with_each_region([](origin from) {
    if (from == origin::adopted_without_fd) return;  // the size is not known
    const size_t page = page_size(), end = page + 100;
    shared_file file(3 * page);
    const nosigbus::region region = make_region(from, file, 3 * page, PROT_READ, NOSIGBUS_CLIP);
    unsigned char* const writable = file.map(3 * page, PROT_READ | PROT_WRITE);
    file.resize(end);
    for (size_t i = end; i < 2 * page; ++i) writable[i] = 'x';
    const unsigned char* const s = static_cast<unsigned char*>(region.data());
    std::vector<unsigned char> model(s, s + end);
    model.resize(3 * page, 0);

    CHILD_CHECK(nosigbus::safe_strnlen(chars(s + 3), 3 * page - 3) == end - 3);
    CHILD_CHECK(met_nothing());
    CHILD_CHECK(nosigbus::safe_memchr(s + end - 1, 'x', 50) == (model[end - 1] == 'x' ? 0 : 50));
    CHILD_CHECK(nosigbus::safe_memcmp(s, model.data(), 2 * page) == 2 * page);
    CHILD_CHECK(met_nothing());
    CHILD_CHECK(nosigbus::safe_memcmp(s, model.data(), 3 * page) == 3 * page);
    CHILD_CHECK(nosigbus::last_fault().address == reinterpret_cast<uintptr_t>(s) + 2 * page);
    model[end + 1000] = 1;
    CHILD_CHECK(nosigbus::safe_memcmp(model.data(), s, 3 * page) == end + 1000);
    CHILD_CHECK(met_nothing());
    std::vector<char> dst(3 * page, 'y');
    CHILD_CHECK(nosigbus::safe_strncpy(dst.data(), chars(s), dst.size()) == end);
    CHILD_CHECK(dst[end] == 0 && dst.back() == 0);
    CHILD_CHECK(met_nothing());
  });
}
