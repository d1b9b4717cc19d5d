// SPDX-License-Identifier: MIT
//
// Memory tagging (MTE): 16 bytes have one tag, an access through an address with another one raises SIGSEGV.
// Scans and copies of tagged memory touch nothing that belongs to somebody else.
#include <doctest/doctest.h>
#include <nosigbus/copy.h>
#include <nosigbus/scan.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <cstring>
#include <vector>

#include "support/child.h"
#include "support/shared_file.h"

using namespace test;

namespace {

// asm/hwcap.h, asm/mman.h and linux/prctl.h of Linux 5.10.
constexpr unsigned long hwcap2_mte = 1 << 18;
constexpr int prot_mte = 0x20, set_tagged_addr_ctrl = 55;
constexpr unsigned long tagged_addresses = 1, faults_at_once = 1 << 1;
constexpr size_t granule = 16;

unsigned char* with_tag(unsigned char* address, uintptr_t tag) {
  return reinterpret_cast<unsigned char*>(reinterpret_cast<uintptr_t>(address) | tag << 56);
}
void set_tag(unsigned char* tagged) {
  asm volatile(".arch armv8.5-a+memtag\n\tstg %0, [%0]\n\t.arch armv8-a" : : "r"(tagged) : "memory");
}

// Memory whose granules have the tag of no address that is used, but for an object that begins anywhere in
// its first granule.
class tagged_memory {
 public:
  tagged_memory() {
    CHILD_CHECK(prctl(set_tagged_addr_ctrl, tagged_addresses | faults_at_once, 0, 0, 0) == 0);
    void* const address =
        mmap(nullptr, page_size(), PROT_READ | PROT_WRITE | prot_mte, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHILD_CHECK(address != MAP_FAILED);
    base_ = static_cast<unsigned char*>(address);
  }
  // Its address, with the object's tag.
  unsigned char* object(size_t offset, size_t size) {
    for (size_t at = 0; at < page_size(); at += granule) {
      const bool own = at + granule > offset && at < offset + size;
      unsigned char* const tagged = with_tag(base_ + at, own ? 5 : 9);
      set_tag(tagged);
      memset(tagged, 'a', granule);
    }
    return with_tag(base_ + offset, 5);
  }

 private:
  unsigned char* base_;
};

bool machine_has_tags() {
  if ((getauxval(AT_HWCAP2) & hwcap2_mte) != 0) return true;
  MESSAGE("skipped: no memory tagging here");
  return false;
}

}  // namespace

TEST_CASE("an access under another tag kills") {
  if (!machine_has_tags()) return;
  CHECK(in_child([] {
          tagged_memory memory;
          return int{*static_cast<volatile unsigned char*>(memory.object(64, 20) + 32)};
        }) == killed_by(SIGSEGV));
}

TEST_CASE("searches touch no memory of another tag") {
  if (!machine_has_tags()) return;
  CHECK(in_child([] {
          tagged_memory memory;
          for (size_t offset = 256; offset < 256 + granule; ++offset) {
            for (size_t size = 1; size <= 300; size += size < 100 ? 1 : 7) {
              unsigned char* const object = memory.object(offset, size);
              const char* const text = reinterpret_cast<const char*>(object);
              CHILD_CHECK(nosigbus_safe_strnlen(text, size) == size);
              CHILD_CHECK(nosigbus_safe_memchr(object, 'b', size) == size);
              object[size - 1] = 0;
              CHILD_CHECK(nosigbus_safe_strnlen(text, SIZE_MAX) == size - 1);
              CHILD_CHECK(nosigbus_safe_memchr(object, 0, 4 * size) == size - 1);
            }
          }
          return 0;
        }) == exited(0));
}

TEST_CASE("comparisons and copies touch no memory of another tag") {
  if (!machine_has_tags()) return;
  CHECK(in_child([] {
          tagged_memory memory, second;
          std::vector<unsigned char> buffer(300);
          for (size_t offset = 256; offset < 256 + granule; ++offset) {
            for (size_t size = 1; size <= 300; size += size < 100 ? 1 : 7) {
              unsigned char* const object = memory.object(offset, size);
              unsigned char* const other = second.object(256 + offset * 7 % granule, size);
              CHILD_CHECK(nosigbus_safe_memcmp(object, other, size) == size);
              CHILD_CHECK(nosigbus_safe_read(buffer.data(), object, size) == size);
              CHILD_CHECK(nosigbus_safe_write(other, buffer.data(), size) == size);
              CHILD_CHECK(nosigbus_safe_copy(object, other, size) == size);
              CHILD_CHECK(nosigbus_safe_fill(object, 'b', size) == size);
              CHILD_CHECK(nosigbus_safe_memcmp(object, other, size) == 0);
            }
          }
          return 0;
        }) == exited(0));
}
