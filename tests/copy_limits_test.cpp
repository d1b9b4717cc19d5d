// SPDX-License-Identifier: MIT
//
// What guarded copies do not absorb, and what they do without a handler.
#include <doctest/doctest.h>
#include <nosigbus/copy.h>
#include <sys/mman.h>

#include <cstring>
#include <vector>

#include "support/child.h"
#include "support/entry.h"
#include "support/shared_file.h"

using namespace test;

namespace {

// A page that raises SIGBUS, after one that does not.
unsigned char* bad_page() {
  shared_file file(2 * page_size());
  unsigned char* const base = file.map(2 * page_size(), PROT_READ | PROT_WRITE);
  file.resize(page_size());
  return base + page_size();
}

unsigned char* forbidden_page() {
  return static_cast<unsigned char*>(
      mmap(nullptr, page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

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

}  // namespace

TEST_CASE("a bad byte on the side that is not guarded kills") {
  std::vector<unsigned char> good(400, 1);
  for (const size_t n : {1, 3, 6, 12, 20, 50, 100, 300}) {
    CAPTURE(n);
    killed_by_each_entry(SIGBUS, NOSIGBUS_CATCH_SEGV,
                         [&] { nosigbus_safe_read(bad_page(), good.data(), n); });
    killed_by_each_entry(SIGBUS, NOSIGBUS_CATCH_SEGV,
                         [&] { nosigbus_safe_write(good.data(), bad_page(), n); });
  }
}

TEST_CASE("zeroing a bad destination kills, with safe_read") {
  killed_by_each_entry(SIGSEGV, 0, [] { nosigbus_safe_read(forbidden_page(), bad_page(), 8); });
}

TEST_CASE("SIGSEGV kills without NOSIGBUS_CATCH_SEGV") {
  unsigned char buffer[64] = {};
  killed_by_each_entry(SIGSEGV, 0, [&] { nosigbus_safe_read(buffer, forbidden_page(), 20); });
  killed_by_each_entry(SIGSEGV, 0, [&] { nosigbus_safe_write(forbidden_page(), buffer, 20); });
  killed_by_each_entry(SIGSEGV, 0, [&] { nosigbus_safe_copy(buffer, nullptr, 20); });
  killed_by_each_entry(SIGSEGV, 0, [] { nosigbus_safe_fill(forbidden_page(), 0, 20); });
}

TEST_CASE("plain accesses kill, in the same process that guarded ones survive") {
  killed_by_each_entry(SIGBUS, NOSIGBUS_CATCH_SEGV, [] {
    unsigned char byte;
    volatile unsigned char* const bad = bad_page();
    CHILD_CHECK(nosigbus_safe_read(&byte, const_cast<unsigned char*>(bad), 1) == 0);
    byte = *bad;
  });
  killed_by_each_entry(SIGSEGV, NOSIGBUS_CATCH_SEGV, [] {
    unsigned char byte;
    volatile unsigned char* const bad = forbidden_page();
    CHILD_CHECK(nosigbus_safe_read(&byte, const_cast<unsigned char*>(bad), 1) == 0);
    byte = *bad;
  });
}

TEST_CASE("libc's copies kill") {
  std::vector<unsigned char> buffer(page_size());
  killed_by_each_entry(SIGBUS, NOSIGBUS_CATCH_SEGV, [&] { memcpy(buffer.data(), bad_page(), page_size()); });
}

TEST_CASE("without a handler a bad byte kills, and a good copy works") {
  CHECK(in_child([] {
          unsigned char buffer[8];
          nosigbus_safe_read(buffer, bad_page(), 8);
          return 0;
        }) == killed_by(SIGBUS));
  char from[] = "good", to[5];
  CHECK(nosigbus_safe_read(to, from, 5) == 5);
  CHECK(strcmp(from, to) == 0);
  CHECK(nosigbus_last_fault()->cause == NOSIGBUS_NONE);
}

TEST_CASE("zero bytes touch nothing") {
  void* const bad = forbidden_page();
  CHECK(nosigbus_safe_read(bad, bad, 0) == 0);
  CHECK(nosigbus_safe_write(bad, bad, 0) == 0);
  CHECK(nosigbus_safe_copy(bad, bad, 0) == 0);
  CHECK(nosigbus_safe_fill(bad, 1, 0) == 0);
  CHECK(nosigbus_safe_read(nullptr, nullptr, 0) == 0);
  CHECK(nosigbus_last_fault()->cause == NOSIGBUS_NONE);
}

TEST_CASE("the record belongs to the last operation of this thread") {
  CHECK(in_child([] {
          enter_by(entry::installed);
          unsigned char buffer[8];
          CHILD_CHECK(nosigbus_safe_read(buffer, bad_page(), 8) == 0);
          CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_MISSING);
          CHILD_CHECK(nosigbus_safe_fill(buffer, 1, 8) == 8);
          CHILD_CHECK(nosigbus_last_fault()->cause == NOSIGBUS_NONE);
          return 0;
        }) == exited(0));
}
