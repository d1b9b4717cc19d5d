// SPDX-License-Identifier: MIT
//
// The guarded copies around the assembly: zero what was not copied, say why.
#include <nosigbus/copy.h>
#include <src/outside/overlay_report.h>
#include <src/shared/region.h>
#include <src/shared/routines.h>
#include <src/shared/thread_state.h>
#include <stddef.h>
#include <string.h>

extern "C" {
// arch/*/fill.S: bytes done in front of the first bad one.
size_t nosigbus_fill_guarded(void* dst, int byte, size_t n);
}

// Assembly routines clear the cause at this offset.
static_assert(offsetof(nosigbus_fault, cause) == 24);

using namespace nosigbus;

namespace {

uintptr_t to_address(const void* p) { return reinterpret_cast<uintptr_t>(p); }

// Keeps the record of what an operation met that did `done` of n bytes. The guarded side is [address,
// address + n). dst: where to clip what was read, null for writes. before: the census as it began.
size_t complete(const void* guarded, size_t n, size_t done, nosigbus_access access, void* dst,
                uint64_t before) {
  const uintptr_t begin = to_address(guarded);
  if (__builtin_expect(done != n, 0)) {
    if (dst != nullptr && !overlay_census::none(before, before)) clip_to_file(dst, begin, begin + done);
    return done;
  }
  t_last_fault.cause = NOSIGBUS_NONE;
  if (__builtin_expect(overlays_since(before), 0)) {
    report_overlays(begin, begin + n, access, before);
    if (dst != nullptr) clip_to_file(dst, begin, begin + n);
  }
  return done;
}

// Runs `operation`, which returns how many of n bytes it did, and keeps the record.
template <class Operation>
size_t with_record(const void* guarded, size_t n, nosigbus_access access, void* dst, Operation operation) {
  const uint64_t before = g_overlay_census.read();
  return complete(guarded, n, operation(), access, dst, before);
}

// The handler recorded the fault of one instruction; the record is to name the operation's first bad
// byte.
void record_first_bad(uintptr_t address) { t_last_fault.address = address; }

// A fault of which the machine does not tell whether it was a read: the address does.
bool source_was_bad(const void* src, size_t n) {
  if (t_last_fault.access != NOSIGBUS_ACCESS_UNKNOWN) return t_last_fault.access == NOSIGBUS_READ;
  return t_last_fault.address - to_address(src) < n;
}

}  // namespace

const nosigbus_fault* nosigbus_last_fault() noexcept { return &t_last_fault; }

size_t nosigbus_careful_read(void* dst, const void* src, size_t n) {
  const uint64_t before = g_overlay_census.read();
  return nosigbus_finish_read(dst, src, n, nosigbus_routines.copy_read(dst, src, n), before);
}

size_t nosigbus_finish_read(void* dst, const void* src, size_t n, size_t copied, uint64_t before) {
  complete(src, n, copied, NOSIGBUS_READ, dst, before);
  if (__builtin_expect(copied == n, 1)) return n;
  record_first_bad(to_address(src) + copied);
  memset(static_cast<char*>(dst) + copied, 0, n - copied);
  return copied;
}

size_t nosigbus_safe_write(void* dst, const void* src, size_t n) noexcept {
  const size_t copied =
      with_record(dst, n, NOSIGBUS_WRITE, nullptr, [=] { return nosigbus_routines.copy_write(dst, src, n); });
  if (__builtin_expect(copied != n, 0)) record_first_bad(to_address(dst) + copied);
  return copied;
}

size_t nosigbus_safe_copy(void* dst, const void* src, size_t n) noexcept {
  const size_t copied =
      with_record(src, n, NOSIGBUS_READ, dst, [=] { return nosigbus_routines.copy_both(dst, src, n); });
  if (__builtin_expect(copied == n, 1)) return copied;
  if (!source_was_bad(src, n)) {
    record_first_bad(to_address(dst) + copied);
    return copied;
  }
  record_first_bad(to_address(src) + copied);
  const nosigbus_fault source_fault = t_last_fault;
  nosigbus_fill_guarded(static_cast<char*>(dst) + copied, 0, n - copied);
  t_last_fault = source_fault;  // of two bad sides, the record is of the one that ended the copy
  return copied;
}

size_t nosigbus_safe_fill(void* dst, int byte, size_t n) noexcept {
  const size_t written =
      with_record(dst, n, NOSIGBUS_WRITE, nullptr, [=] { return nosigbus_fill_guarded(dst, byte, n); });
  if (__builtin_expect(written != n, 0)) record_first_bad(to_address(dst) + written);
  return written;
}
