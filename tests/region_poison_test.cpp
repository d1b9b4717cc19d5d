// SPDX-License-Identifier: MIT
//
// Poison as the kernel reports it, on machines whose kernel cannot be made to (kernel_only_test has it from
// one that can): the report is made up, and given to the first chance. Reports are what they say, so nothing
// else has to be true.
#include <nosigbus/copy.h>

#include "support/fault_context.h"
#include "support/region_fixture.h"

using namespace test;

namespace {

const size_t page = page_size();

// What first chance makes of it.
int report(const void* address, machine_event event, short lsb, int code = BUS_MCEERR_AR) {
  static const uint32_t instruction = 0;  // a port may look at it
  ucontext_t context = fault_context(event, reinterpret_cast<uintptr_t>(&instruction));
  siginfo_t info{};
  info.si_signo = SIGBUS;
  info.si_code = code;
  info.si_addr = const_cast<void*>(address);
  info.si_addr_lsb = lsb;
  return nosigbus_handle_signal(SIGBUS, &info, &context);
}

const std::byte* at(const nosigbus::region& region, size_t offset) {
  return static_cast<const std::byte*>(region.data()) + offset;
}

constexpr size_t pages = 8;
nosigbus::region poisoned_region(shared_file& file, unsigned flags, int prot = PROT_READ) {
  file.draw();
  return make_region(origin::mapped, file, pages * page, prot, flags);
}

}  // namespace

TEST_CASE("Poison is absorbed page by page and on request only") {
  for (const unsigned flags : {0u, unsigned{NOSIGBUS_ABSORB_IO}, unsigned{NOSIGBUS_ABSORB_POISON}}) {
    CAPTURE(flags);
    CHECK(in_child([flags] {
            shared_file file(pages * page);
            const nosigbus::region region = poisoned_region(file, flags);
            const bool absorbs = flags == NOSIGBUS_ABSORB_POISON;
            CHILD_CHECK(report(at(region, 3 * page + 7), machine_event::read, 0) == (absorbs ? 1 : 0));
            CHILD_CHECK(is_pattern(region, 0, 3 * page) && is_pattern(region, 4 * page, pages * page));
            CHILD_CHECK(absorbs ? is_zero(region, 3 * page, 4 * page)
                                : is_pattern(region, 3 * page, 4 * page));
            CHILD_CHECK(region.status().faults == (absorbs ? 1 : 0));
            CHILD_CHECK(region.status().cause == (absorbs ? NOSIGBUS_POISON : NOSIGBUS_NONE));
            return 0;
          }) == exited(0));
  }
}

// The hardware loses more than a page at once (a huge page): what of that is the region's, and no more.
TEST_CASE("As much as the report says is absorbed as far as it is the region's") {
  for (const int shift : {1, 2, 12}) {
    CAPTURE(shift);
    CHECK(in_child([shift] {
            const short page_shift = static_cast<short>(__builtin_ctzll(page));
            shared_file file(pages * page);
            const nosigbus::region region = poisoned_region(file, NOSIGBUS_ABSORB_POISON);
            const uintptr_t bad = reinterpret_cast<uintptr_t>(at(region, 5 * page));
            CHILD_CHECK(report(at(region, 5 * page), machine_event::read,
                               static_cast<short>(page_shift + shift)) == 1);
            const uintptr_t unit = page << shift, base = reinterpret_cast<uintptr_t>(region.data());
            const uintptr_t begin = bad & ~(unit - 1), end = begin + unit;
            const size_t from = begin > base ? begin - base : 0;
            const size_t to = end - base < pages * page ? end - base : pages * page;
            CHILD_CHECK(is_pattern(region, 0, from) && is_zero(region, from, to));
            CHILD_CHECK(is_pattern(region, to, pages * page));
            CHILD_CHECK(region.status().first_bad_offset == from);
            return 0;
          }) == exited(0));
  }
}

TEST_CASE("A senseless size of what was lost is a page") {
  for (const short lsb : {short{-1}, short{63}, short{127}}) {
    CAPTURE(lsb);
    CHECK(in_child([lsb] {
            shared_file file(pages * page);
            const nosigbus::region region = poisoned_region(file, NOSIGBUS_ABSORB_POISON);
            CHILD_CHECK(report(at(region, page), machine_event::read, lsb) == 1);
            CHILD_CHECK(is_pattern(region, 0, page) && is_zero(region, page, 2 * page));
            CHILD_CHECK(is_pattern(region, 2 * page, pages * page));
            return 0;
          }) == exited(0));
  }
}

TEST_CASE("A write to poison is absorbed where writes are discarded") {
  for (const unsigned flags : {0u, unsigned{NOSIGBUS_DISCARD_WRITES}}) {
    CAPTURE(flags);
    CHECK(in_child([flags] {
            shared_file file(pages * page);
            const nosigbus::region region =
                poisoned_region(file, flags | NOSIGBUS_ABSORB_POISON, PROT_READ | PROT_WRITE);
            // Where the context does not tell the access, it may be the read that it can be.
            const bool absorbs = flags != 0 || !contexts_tell;
            CHILD_CHECK(report(at(region, page), machine_event::write, 0) == (absorbs ? 1 : 0));
            if (!absorbs || flags == 0) return 0;
            poke(region, page, 1);
            CHILD_CHECK(peek(region, page) == 1 && is_zero(region, page + 1, 2 * page));
            return 0;
          }) == exited(0));
  }
}

// The machine check handler of the kernel does not tell the access.
TEST_CASE("An access that is not told is taken for the read that is certain") {
  CHECK(in_child([] {
          shared_file file(pages * page);
          const nosigbus::region region =
              poisoned_region(file, NOSIGBUS_ABSORB_POISON | NOSIGBUS_DISCARD_WRITES, PROT_READ | PROT_WRITE);
          CHILD_CHECK(report(at(region, 2 * page), machine_event::no_page, 0) == 1);
          poke(region, 2 * page, 1);
          CHILD_CHECK(peek(region, 2 * page) == 1);
          return 0;
        }) == exited(0));
}

TEST_CASE("Poison outside of every region and what nobody consumed and what has no address are not ours") {
  CHECK(in_child([] {
          shared_file file(pages * page);
          const nosigbus::region region = poisoned_region(file, NOSIGBUS_ABSORB_POISON);
          CHILD_CHECK(report(&file, machine_event::read, 0) == 0);
          for (const int code : {int{BUS_MCEERR_AO}, int{SI_KERNEL}}) {
            CHILD_CHECK(report(at(region, page), machine_event::read, 0, code) == 0);
          }
          CHILD_CHECK(is_pattern(region, 0, pages * page));
          return 0;
        }) == exited(0));
}

TEST_CASE("Poison in an overlay is absorbed on request only and stays zeros") {
  for (const unsigned flags : {0u, unsigned{NOSIGBUS_ABSORB_POISON}}) {
    CAPTURE(flags);
    CHECK(in_child([flags] {
            enter_by(entry::installed);
            shared_file file(pages * page);
            const nosigbus::region region = poisoned_region(file, flags);
            file.resize((pages - 1) * page);
            CHILD_CHECK(peek(region, (pages - 1) * page) == 0);
            const bool absorbs = flags != 0;
            CHILD_CHECK(report(at(region, (pages - 1) * page), machine_event::read, 0) == (absorbs ? 1 : 0));
            CHILD_CHECK(region.status().faults == (absorbs ? 2 : 1));
            CHILD_CHECK(region.status().cause == (absorbs ? NOSIGBUS_POISON : NOSIGBUS_EOF));
            CHILD_CHECK(is_pattern(region, 0, (pages - 1) * page));
            CHILD_CHECK(is_zero(region, (pages - 1) * page, pages * page));
            return 0;
          }) == exited(0));
  }
}
