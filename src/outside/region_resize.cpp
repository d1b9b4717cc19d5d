// SPDX-License-Identifier: MIT
//
// A region becomes longer or shorter, where it is if it can, elsewhere if it must. What it leaves behind when
// it moves stays a guarded mapping until the region's release.
//
// Growing by small steps must not cost a mapping for each (the steps are the other side's): who moves
// reserves as much room again behind itself, so that a region that grows to n bytes has moved log2(n) times
// at most, and what shrinking gives up stays reserved.
#include <errno.h>
#include <nosigbus/region.h>
#include <src/inside/region_facts.h>
#include <src/inside/replace.h>
#include <src/inside/way_back.h>
#include <src/outside/place.h>
#include <src/shared/region_lock.h>
#include <src/shared/region_pool.h>
#include <src/shared/registry.h>
#include <sys/mman.h>

namespace nosigbus {

namespace {

constexpr int reservation = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

void* pointer(uintptr_t address) { return reinterpret_cast<void*>(address); }

// Address space that nobody else gets. hint 0: anywhere; else exactly there. 0 if it cannot be had.
uintptr_t reserve(uintptr_t hint, size_t length) {
  const int exactly = hint != 0 ? MAP_FIXED_NOREPLACE : 0;
  void* const got = mmap(pointer(hint), length, PROT_NONE, reservation | exactly, -1, 0);
  if (got == MAP_FAILED) return 0;
  const uintptr_t address = reinterpret_cast<uintptr_t>(got);
  if (hint == 0 || address == hint) return address;
  munmap(got, length);  // before Linux 4.17 the address is a wish
  return 0;
}

int map_by_descriptor(const region_descriptor& place, uintptr_t address, size_t from, size_t length) {
  const int fd = descriptor_of(place);
  if (fd < 0) return -ENOTSUP;
  const long got = replace::with_file(address, length, place.prot, place.shared ? MAP_SHARED : MAP_PRIVATE,
                                      fd, place.offset + static_cast<off_t>(from));
  return sys::failed(got) ? static_cast<int>(got) : 0;
}

// Duplicated from what is mapped: of the file's beginning, so with it, and all but the part wanted is
// dropped. With the place's lock held.
int map_by_duplicate(const region_descriptor& place, uintptr_t address, size_t from, size_t length) {
  const bool begins_with_file =
      !place.begins_with_hole && (place.overlays.empty() || place.overlays[0].begin != 0);
  if (!place.shared || (place.shadow == 0 && !begins_with_file)) return -ENOTSUP;
  const uintptr_t source = place.shadow != 0 ? place.shadow : place.base;
  const long whole = sys::mremap(source, 0, from + length, MREMAP_MAYMOVE);
  if (sys::failed(whole)) return -ENOTSUP;
  const uintptr_t begin = static_cast<uintptr_t>(whole);
  const long got = sys::mremap(begin + from, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, address);
  sys::munmap(begin, sys::failed(got) ? from + length : from);
  return sys::failed(got) ? static_cast<int>(got) : 0;
}

// Maps the file's bytes from `from` on, an offset in the region, over address space that is reserved. 0 or
// -errno.
int map_file(region_descriptor& place, uintptr_t address, size_t from, size_t length) {
  const scoped_signal_block no_signals;
  const region_lock lock(place, no_signals);
  if (place.fd_remaps && descriptor_of(place) >= 0) return map_by_descriptor(place, address, from, length);
  const int error = map_by_duplicate(place, address, from, length);
  // If it permits what the mapping did.
  const bool by_descriptor = error == -ENOTSUP && place.fd >= 0 && place.offset != unknown_offset;
  return by_descriptor ? map_by_descriptor(place, address, from, length) : error;
}

// The shadow reaches as far as the region. 0 or -errno.
int extend_shadow(region_descriptor& place, size_t mapped) {
  if (place.shadow == 0 || place.shadow_length >= mapped) return 0;
  // Of a private mapping there is no longer one to be had: what is overlaid stays so.
  if (!place.shared) {
    drop_shadow(place);
    return 0;
  }
  const long longer = sys::mremap(place.shadow, 0, mapped, MREMAP_MAYMOVE);
  if (sys::failed(longer)) return static_cast<int>(longer);
  const uintptr_t shadow = place.shadow;
  const size_t length = place.shadow_length;
  // In this order: a child that is forked in between must not have a shadow that is unmapped, or shorter than
  // it believes.
  place.shadow = static_cast<uintptr_t>(longer);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  place.shadow_length = mapped;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  sys::munmap(shadow, length);
  return 0;
}

// Handlers take nothing from `mapped` on for the region's any more.
void forget_tail(region_descriptor& place, size_t size, size_t mapped) {
  const scoped_signal_block no_signals;
  region_lock lock(place, no_signals);
  lock.begin_change({});
  const bool overlaid = !place.overlays.empty();
  place.overlays.cut_off(mapped);
  if (overlaid && place.overlays.empty()) {
    place.first_bad_offset = UINT64_MAX;
    overlay_ends(place);
  }
  lock.end_change();
  place.size.store(size, std::memory_order_release);
  place.mapped.store(mapped, std::memory_order_release);
}

int shrink(region_descriptor& place, size_t size, size_t mapped) {
  const size_t before = place.mapped;
  const uintptr_t begin = place.base + mapped, end = place.base + before;
  if (begin != end) {
    if (const int error = registry::shorten(place, place.base, begin, end)) return error;
  }
  // A handler that found the region earlier has either done its work by now, or sees with the lock that the
  // page is cut off: none changes anything there any more.
  forget_tail(place, size, mapped);
  if (begin == end || !place.owned) return 0;
  place.reserved += before - mapped;
  if (mmap(pointer(begin), end - begin, PROT_NONE, reservation | MAP_FIXED, -1, 0) != MAP_FAILED) return 0;
  munmap(pointer(begin), place.reserved);
  place.reserved = 0;
  return 0;
}

// Whether there is room behind the region, which is reserved then.
bool room_behind(region_descriptor& place, size_t needed) {
  if (!place.owned) return false;
  if (place.reserved >= needed) return true;
  const size_t more = needed - place.reserved;
  if (reserve(place.base + place.mapped + place.reserved, more) == 0) return false;
  place.reserved = needed;
  return true;
}

int grow_in_place(region_descriptor& place, size_t size, size_t mapped) {
  const size_t before = place.mapped, size_before = place.size, tail = mapped - before;
  if (const int error = map_file(place, place.base + before, before, tail)) return error;
  place.reserved -= tail;
  int error;
  {
    const scoped_signal_block no_signals;
    const region_lock lock(place, no_signals);
    error = extend_shadow(place, mapped);
    place.mapped.store(mapped, std::memory_order_release);
    place.size.store(size, std::memory_order_release);
  }
  if (error == 0) error = registry::add(place, place.base + before, place.base + mapped, true);
  if (error != 0) shrink(place, size_before, before);
  return error;
}

// Address space for `mapped` bytes, aligned for the file's pages, and for as many again if they can be had.
uintptr_t reserve_elsewhere(const region_descriptor& place, size_t mapped, size_t* reserved) {
  const size_t slack = place.granule;  // what alignment may take
  for (const size_t room : {mapped, size_t{0}}) {
    if (mapped + room < mapped || mapped + room + slack < slack) continue;
    const size_t length = mapped + room + slack;
    const uintptr_t got = reserve(0, length);
    if (got == 0) continue;
    const uintptr_t aligned = (got + slack - 1) & ~(slack - 1);
    if (aligned != got) munmap(pointer(got), aligned - got);
    *reserved = got + length - aligned - mapped;
    return aligned;
  }
  return 0;
}

int move(region_descriptor& place, size_t size, size_t mapped) {
  // What was written to private pages would stay behind.
  if (!place.shared && (place.prot & PROT_WRITE) != 0) return -ENOTSUP;
  blueprint plan;
  plan.base = reserve_elsewhere(place, mapped, &plan.reserved);
  if (plan.base == 0) return -ENOMEM;
  plan.size = size;
  plan.mapped = mapped;
  plan.granule = place.granule;
  plan.offset = place.offset;
  plan.fd = place.fd;
  plan.fd_device = place.fd_device;
  plan.fd_inode = place.fd_inode;
  plan.prot = place.prot;
  plan.flags = place.flags;
  plan.owned = true;
  plan.shared = place.shared;
  {
    // What handlers may be about to learn.
    const scoped_signal_block no_signals;
    const region_lock lock(place, no_signals);
    plan.fd_remaps = place.fd_remaps;
    plan.overlays_stay_unwritable = place.overlays_stay_unwritable;
    plan.ask_descriptor = place.ask_descriptor;
  }
  region_descriptor* moved = nullptr;
  int error = map_file(place, plan.base, 0, mapped);
  if (error == 0) error = begin_place(&moved, plan, place.handle);
  if (error != 0) {
    munmap(pointer(plan.base), mapped + plan.reserved);
    return error;
  }
  place.handle->newest.store(moved, std::memory_order_release);
  return 0;
}

}  // namespace

}  // namespace nosigbus

using namespace nosigbus;

int nosigbus_region_resize(nosigbus_region* region, size_t new_length) noexcept {
  if (!usable(region) || new_length == 0) return -EINVAL;
  const scoped_lock one_at_a_time(region->sync->resizing);
  region_descriptor& place = *newest_place(*region);
  const size_t offset = place.offset == unknown_offset ? 0 : static_cast<size_t>(place.offset);
  if (new_length > static_cast<size_t>(INT64_MAX) - offset) return -EOVERFLOW;
  const size_t mapped = round_up(new_length, place.granule);
  if (mapped <= place.mapped) return shrink(place, new_length, mapped);
  if (room_behind(place, mapped - place.mapped)) return grow_in_place(place, new_length, mapped);
  return move(place, new_length, mapped);
}
