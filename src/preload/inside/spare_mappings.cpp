// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/repair.h>
#include <src/preload/inside/spare_mappings.h>
#include <src/shared/syscalls.h>
#include <src/shared/thread_state.h>

namespace nosigbus::preload {

namespace {

// Neighbours of different protection are not joined: as many mappings as pages.
constexpr size_t mappings = 17;

// Under shared_state::room.
constinit uintptr_t g_block = 0;
constinit bool g_whole = false;  // as many mappings as it was to be

void give_up() {
  const uintptr_t block = g_block;
  g_block = 0;
  // First of all: a child that is forked in between would unmap whatever comes to lie there.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (block != 0) sys::munmap(block, mappings * g_page_size);
}

void keep() {
  if (g_block != 0 && g_whole) return;
  give_up();
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const long made = sys::mmap(0, mappings * g_page_size, PROT_NONE, flags, -1, 0);
  if (sys::failed(made)) return;
  g_block = static_cast<uintptr_t>(made);
  g_whole = true;
  for (size_t i = 1; i < mappings && g_whole; i += 2) {
    g_whole = !sys::failed(sys::mprotect(g_block + i * g_page_size, g_page_size, PROT_READ));
  }
}

}  // namespace

void keep_spare_mappings() {
  const scoped_signal_block no_signals;
  const scoped_lock lock(g_state->room);
  keep();
}

lent_mappings::lent_mappings() : lock_(g_state->room) { give_up(); }
lent_mappings::~lent_mappings() { keep(); }

bool supply_zeros(nosigbus_fault& fault) {
  if (repair(fault, nullptr)) return true;
  if (!repairable(fault)) return false;
  const lent_mappings room;
  return repair(fault, nullptr, effort::sparing);
}

}  // namespace nosigbus::preload
