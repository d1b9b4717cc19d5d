// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <errno.h>
#include <src/inside/mapping_info.h>
#include <src/inside/place.h>
#include <src/inside/refresh.h>
#include <src/preload/inside/books.h>
#include <src/preload/inside/diary.h>
#include <src/shared/region_lock.h>
#include <src/shared/registry.h>

namespace nosigbus::preload {

constinit file_identity g_zero{};
constinit shared_state* g_state = nullptr;
constinit thread_local bool t_sigbus_blocked = false;

namespace {

bool is_overlay(const mapping_info& info, uintptr_t address) {
  return g_zero.inode != 0 && info.device == g_zero.device && info.inode == g_zero.inode && !info.shared &&
         info.offset == static_cast<off_t>(address);
}

// Where an overlay could not be made traceable, the file's own mapping in front of it vouches for it.
bool vouched_for(const region_descriptor& region, const interval& part, const mapping_info& at) {
  mapping_info before;
  return region.untraceable && at.inode == 0 && at.device == 0 && part.begin != 0 &&
         query_mapping(region.base + part.begin - 1, &before) == 0 && before.device == region.device &&
         before.inode == region.inode;
}

// Overlays that the program wrote to are not always joined.
ours whose(const region_descriptor& region, const interval& part) {
  const uintptr_t end = region.base + part.end;
  for (uintptr_t at = region.base + part.begin; at < end;) {
    mapping_info info;
    const int error = query_mapping(at, &info);
    if (error != 0) return error == -ENOENT ? ours::no : ours::unknown;
    if (!is_overlay(info, at) && !vouched_for(region, part, info)) return ours::no;
    at = info.end;
  }
  return ours::yes;
}

template <class Do>
void for_each_region(uintptr_t begin, uintptr_t end, Do act) {
  for (uintptr_t at = registry::find_first(begin, end); at < end; at = registry::find_first(at, end)) {
    region_descriptor* const region = registry::find(at);
    if (region == nullptr) continue;
    at = region->base + region->mapped;
    act(*region);
  }
}

// The file's page, or what an overlay is made of.
bool expected(const region_descriptor& region, const mapping_info& info, uintptr_t at) {
  const bool hidden = region.untraceable && region.overlays.contains(at - region.base);
  return belongs(region, info, at) || is_overlay(info, at) || (hidden && info.inode == 0 && info.device == 0);
}

}  // namespace

bool belongs(const region_descriptor& region, const mapping_info& info, uintptr_t address) {
  return info.device == region.device && info.inode == region.inode && info.shared == region.shared &&
         info.offset == region.offset + static_cast<off_t>(address - region.base);
}

bool as_it_was(region_descriptor& region) {
  const scoped_signal_block no_signals;
  const region_lock lock(region, no_signals);
  const uintptr_t end = region.base + region.mapped;
  for (uintptr_t at = region.base; at < end;) {
    mapping_info info;
    const int error = query_mapping(at, &info);
    if (error != 0) return error != -ENOENT;
    if (!expected(region, info, at)) return false;
    at = info.end;
  }
  return true;
}

ours still_ours(region_descriptor& region) {
  const scoped_signal_block no_signals;
  const region_lock lock(region, no_signals);
  for (unsigned i = 0; i < region.overlays.size(); ++i) {
    const ours part = whose(region, region.overlays[i]);
    if (part != ours::yes) return part;
  }
  return ours::yes;
}

void forget(region_descriptor& region) {
  diary::note_gone(static_cast<journal_record*>(region.companion));
  region.live.store(false, std::memory_order_seq_cst);
  end_region(region);
}

void give_back(uintptr_t begin, uintptr_t end) {
  g_state->changes.fetch_add(1, std::memory_order_release);
  for_each_region(begin, end, [](region_descriptor& region) {
    if (still_ours(region) == ours::yes) uncover(region);
    forget(region);
  });
}

void forget_range(uintptr_t begin, uintptr_t end) {
  for_each_region(begin, end, [](region_descriptor& region) { forget(region); });
}

}  // namespace nosigbus::preload
