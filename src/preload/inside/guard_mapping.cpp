// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <errno.h>
#include <src/inside/mapping_info.h>
#include <src/inside/place.h>
#include <src/preload/inside/books.h>
#include <src/preload/inside/calls.h>
#include <src/preload/inside/diary.h>
#include <src/preload/inside/file_kind.h>
#include <src/preload/inside/spare_mappings.h>
#include <src/preload/options.h>
#include <src/shared/registry.h>
#include <src/shared/thread_state.h>

namespace nosigbus::preload {

constinit options g_options{};

namespace {

// Of the mapping that is being looked at. Under the books' lock: the handler's stack has no room for it.
constinit char g_name[4096];

bool in_scope(file_kind kind) {
  switch (kind) {
    case file_kind::anonymous:
      return false;
    case file_kind::shared_memory:
      return true;
    case file_kind::file:
      return g_options.guarded != scope::shm;
    case file_kind::device:
      return g_options.guarded == scope::all;
  }
  return false;
}

bool wanted(answer asked, file_kind kind) {
  return asked == answer::by_kind ? kind == file_kind::shared_memory : asked == answer::yes;
}

blueprint plan_of(const mapping_info& info, uintptr_t address, file_kind kind) {
  blueprint plan;
  plan.base = info.begin;
  plan.size = plan.mapped = info.end - info.begin;
  plan.granule = info.page_size > g_page_size ? info.page_size : g_page_size;
  plan.offset = info.offset - static_cast<off_t>(address - info.begin);
  plan.prot = info.prot;
  plan.flags = (wanted(g_options.discard_writes, kind) ? NOSIGBUS_DISCARD_WRITES : 0u) |
               (wanted(g_options.absorb_io, kind) ? NOSIGBUS_ABSORB_IO : 0u);
  plan.shared = info.shared;
  // The program may make its mapping writable, and must not find that it cannot.
  plan.overlays_stay_unwritable = false;
  plan.overlays_traceable = true;
  plan.device = info.device;
  plan.inode = info.inode;
  return plan;
}

bool make_region(const mapping_info& info, const nosigbus_fault& fault, file_kind kind, void* ucontext) {
  blueprint plan = plan_of(info, fault.address, kind);
  plan.companion = diary::record_of(info, fault, kind, g_name, true, ucontext);
  region_descriptor* region = nullptr;
  int error = show_place(&region, plan);
  if (error == -EEXIST) {
    // The program joined or moved mappings without our knowledge.
    give_back(plan.base, plan.base + plan.mapped);
    error = show_place(&region, plan);
  }
  if (error == -ENOMEM) {
    const lent_mappings room;
    error = show_place(&region, plan);
  }
  return error == 0;
}

}  // namespace

finding guard_mapping(const nosigbus_fault& fault, void* ucontext) {
  const uint32_t changes = g_state->changes.load(std::memory_order_acquire);
  const books_lock lock;
  // What is found out is true until the region is there, which keeps calls out by itself.
  const calls_kept_out kept_out;
  mapping_info info;
  const int error = query_mapping(fault.address, &info, {g_name, sizeof g_name});
  region_descriptor* const region = registry::find(fault.address);
  // Nothing there: going on raises SIGSEGV, as it would have.
  if (error == -ENOENT) {
    if (region != nullptr) forget(*region);
    return finding::resumable;
  }
  if (error != 0) return region != nullptr ? finding::guarded : finding::not_guarded;
  if (region != nullptr) {
    if (belongs(*region, info, fault.address)) {
      if (as_it_was(*region)) return finding::guarded;
      // Somebody took a part of it without our knowledge. The next fault finds what is left.
      give_back(region->base, region->base + region->mapped);
      return finding::resumable;
    }
    // Ours, made by another thread meanwhile.
    if (info.device == g_zero.device && info.inode == g_zero.inode && still_ours(*region) != ours::no) {
      return finding::guarded;
    }
    forget(*region);
  }
  const file_kind kind = kind_of(info, g_name);
  // While we waited for the lock, the program put something else there.
  if (g_state->changes.load(std::memory_order_relaxed) != changes) return finding::resumable;
  if (!in_scope(kind)) {
    if (kind != file_kind::anonymous) {
      diary::note_passed(diary::record_of(info, fault, kind, g_name, false, ucontext));
    }
    return finding::not_guarded;
  }
  return make_region(info, fault, kind, ucontext) ? finding::guarded : finding::not_guarded;
}

}  // namespace nosigbus::preload
