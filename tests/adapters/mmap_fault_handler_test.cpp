// SPDX-License-Identifier: MIT
//
// Firefox's brackets around reads of mapped files. The original is part of a program and cannot be asked;
// what it does is read from mozglue/misc/MmapFaultHandler.cpp, and said beside each scenario that it fails.
#include "adapters/MmapFaultHandler.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "scenarios.h"
#include "support/no_qemu.h"
#include "support/signal_mask.h"

using namespace adapters;
using test::exited;
using test::in_child;
using test::killed_by;
using test::outcome;
using test::shared_file;

namespace {

constexpr int stopped = -1;

// As nsZipHandle is to the original.
struct zip_handle {
  const unsigned char* mFileStart;
  size_t mTotalLen;
};

__attribute__((noinline)) int first_byte(const unsigned char* bytes, size_t length) {
  MMAP_FAULT_HANDLER_BEGIN_BUFFER(bytes, length)
  return peek(bytes);
  MMAP_FAULT_HANDLER_CATCH(stopped)
}
// As nsZipHandle::findDataStart.
__attribute__((noinline)) int byte_of(const zip_handle* zip, size_t at) {
  MMAP_FAULT_HANDLER_BEGIN_HANDLE(zip)
  if (at == 0) return peek(zip->mFileStart);
  poke(const_cast<unsigned char*>(zip->mFileStart) + at, 1);
  MMAP_FAULT_HANDLER_CATCH(stopped)
  return 0;
}
__attribute__((noinline)) void read_if_there(const unsigned char* bytes, size_t length) {
  MMAP_FAULT_HANDLER_BEGIN_BUFFER(bytes, length)
  peek(bytes);
  MMAP_FAULT_HANDLER_CATCH()
}
// Reads `at` while in brackets of both.
__attribute__((noinline)) int inner(const zip_handle* zip, const unsigned char* at) {
  MMAP_FAULT_HANDLER_BEGIN_HANDLE(zip)
  return peek(at);
  MMAP_FAULT_HANDLER_CATCH(-2)
}
__attribute__((noinline)) int outer(const zip_handle* zip, const zip_handle* within,
                                    const unsigned char* at) {
  MMAP_FAULT_HANDLER_BEGIN_HANDLE(zip)
  return inner(within, at);
  MMAP_FAULT_HANDLER_CATCH(stopped)
}

zip_handle map_cut_off(size_t length) {
  shared_file file(length);
  const zip_handle zip{map_writable(file, length), length};
  file.resize(0);
  return zip;
}

}  // namespace

// "Temporarily instead of handling the signal, we crash intentionally": IsInsideBuffer, then MOZ_CRASH.
TEST_CASE("a bracket ends at a fault as often as there is one") {
  CHECK(in_child([] {
          shared_file file(2 * page);
          unsigned char* const bytes = map_writable(file, 2 * page);
          const zip_handle zip{bytes, 2 * page};
          const uint64_t mask = test::signal_mask();
          for (int round = 0; round < 500; ++round) {
            file.resize(2 * page);
            CHILD_CHECK(first_byte(bytes, 2 * page) >= 0);
            CHILD_CHECK(byte_of(&zip, 2 * page - 1) == 0);
            file.resize(0);
            CHILD_CHECK(first_byte(bytes, 2 * page) == stopped);
            CHILD_CHECK(byte_of(&zip, 0) == stopped && byte_of(&zip, 2 * page - 1) == stopped);
            read_if_there(bytes, 2 * page);
            CHILD_CHECK(test::signal_mask() == mask);
          }
          return 0;
        }) == exited(0));
}

TEST_CASE("a buffer begins and ends anywhere in a page") {
  for (const size_t offset : {size_t{0}, size_t{1}, page - 1, page, page + 1}) {
    CAPTURE(offset);
    CHECK(in_child([=] {
            const zip_handle file = map_cut_off(3 * page);
            const zip_handle zip{file.mFileStart + offset, page};
            CHILD_CHECK(byte_of(&zip, 0) == stopped && byte_of(&zip, page - 1) == stopped);
            return 0;
          }) == exited(0));
    // One byte behind it, and one in front.
    CHECK(in_child([=] {
            const zip_handle file = map_cut_off(3 * page);
            const zip_handle zip{file.mFileStart + offset, page};
            return byte_of(&zip, page);
          }) == killed_by(SIGBUS));
    CHECK(in_child([=] {
            const zip_handle file = map_cut_off(3 * page);
            const zip_handle zip{file.mFileStart + offset + 1, page};
            return inner(&zip, file.mFileStart + offset);
          }) == killed_by(SIGBUS));
  }
}

// The length is a uint32_t: of 4 GiB and a page, a page was covered.
TEST_CASE("a file may be of 4 GiB and more") {
  CHECK(in_child([] {
          const size_t length = (size_t{1} << 32) + 2 * page;
          shared_file file(page);
          file.resize(length);
          const zip_handle zip{map_writable(file, length), length};
          file.resize(0);
          return byte_of(&zip, length - 1) == stopped ? 0 : wrong;
        }) == exited(0));
}

// MmapSIGBUSHandler asks the innermost scope alone; what lies in the next one is nobody's.
TEST_CASE("brackets nest and a fault belongs to the file that it is in") {
  CHECK(in_child([] {
          const zip_handle a = map_cut_off(page), b = map_cut_off(page);
          const zip_handle* const none = nullptr;
          for (int round = 0; round < 100; ++round) {
            CHILD_CHECK(outer(&a, &b, b.mFileStart) == -2);
            CHILD_CHECK(outer(&a, &b, a.mFileStart) == stopped);
            CHILD_CHECK(outer(&a, &a, a.mFileStart) == -2);
            CHILD_CHECK(outer(&a, none, a.mFileStart) == stopped);
            CHILD_CHECK(outer(none, &b, b.mFileStart) == -2);
          }
          return 0;
        }) == exited(0));
}

TEST_CASE("a fault elsewhere is what it was before") {
  for (const bool had_handler : {false, true}) {
    CAPTURE(had_handler);
    const before us{had_handler};
    const outcome foreign = us.reached();
    CHECK(us.run([] {
      const zip_handle zip = map_cut_off(page);
      return inner(&zip, stranger());
    }) == foreign);
    // No length is no bracket, not one of everything.
    CHECK(us.run([] { return first_byte(stranger(), 0); }) == foreign);
    CHECK(us.run([] { return inner(nullptr, stranger()); }) == foreign);
    // After the bracket, and beside it.
    CHECK(us.run([] {
      const zip_handle zip = map_cut_off(page);
      CHILD_CHECK(byte_of(&zip, 0) == stopped);
      return int{peek(zip.mFileStart)};
    }) == foreign);
    CHECK(us.run([] {
      const zip_handle zip = map_cut_off(page);
      std::thread([&] { CHILD_CHECK(byte_of(&zip, 0) == stopped); }).join();
      std::thread([&] { peek(zip.mFileStart); }).join();
      return 0;
    }) == foreign);
  }
}

// "Uninstalling our handler and returning will cause a crash": unless the page is there again, and then all
// brackets are without a handler.
TEST_CASE("brackets work on after a handler that was there before has dealt with a fault") {
  CHECK(in_child([] {
          static sigjmp_buf way_out;
          signal(SIGBUS, [](int) { siglongjmp(way_out, 1); });
          const zip_handle zip = map_cut_off(page);
          CHILD_CHECK(byte_of(&zip, 0) == stopped);
          if (sigsetjmp(way_out, 1) == 0) {
            peek(stranger());
            return wrong;
          }
          return byte_of(&zip, 0) == stopped ? 0 : wrong;
        }) == exited(0));
}

TEST_CASE("two threads in brackets of one file are stopped at once") {
  CHECK(in_child([] {
          const zip_handle zip = map_cut_off(page);
          const auto loop = [&] {
            for (int round = 0; round < 2000; ++round) CHILD_CHECK(byte_of(&zip, 0) == stopped);
          };
          std::thread one(loop), other(loop);
          one.join();
          other.join();
          return 0;
        }) == exited(0));
}

TEST_CASE("an alternate stack is there again after a fault" NO_QEMU("no SS_AUTODISARM")) {
  for (const int flags : {0, static_cast<int>(1u << 31)}) {  // SS_AUTODISARM
    CAPTURE(flags);
    CHECK(in_child([=] {
            static char memory[1 << 16];
            stack_t stack{}, now;
            stack.ss_sp = memory;
            stack.ss_size = sizeof memory;
            stack.ss_flags = flags;
            CHILD_CHECK(sigaltstack(&stack, nullptr) == 0);
            const zip_handle zip = map_cut_off(page);
            for (int round = 0; round < 10; ++round) {
              CHILD_CHECK(byte_of(&zip, 0) == stopped);
              CHILD_CHECK(sigaltstack(nullptr, &now) == 0);
              CHILD_CHECK(now.ss_sp == memory && now.ss_flags == flags);
            }
            return 0;
          }) == exited(0));
  }
}

TEST_CASE("an exception takes its bracket along") {
  CHECK(in_child([] {
          const zip_handle zip = map_cut_off(page);
          try {
            MMAP_FAULT_HANDLER_BEGIN_HANDLE(&zip)
            throw std::runtime_error("");
            MMAP_FAULT_HANDLER_CATCH(wrong)
          } catch (const std::runtime_error&) {
            return int{peek(zip.mFileStart)};
          }
        }) == killed_by(SIGBUS));
}
