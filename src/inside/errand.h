// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// What needs a descriptor for a moment. In a process that does not know of us even that moment shows: an open
// of another thread gets another number than it would have, its dup2 onto a free number replaces ours and we
// close its, its fork hands ours on. So the drop-in has such errands run with a table of descriptors of their
// own.
#pragma once

namespace nosigbus {

// What an errand returns is its runner's. With all signals blocked, small stacks (4 KiB), no thread-locals.
using errand = long (*)(void*);

// Null: they run where they are. Set once, before there is a handler.
using errand_runner = long(errand, void*);
extern constinit errand_runner* g_errand_runner;

template <class Errand>
long run_errand(Errand act) {
  if (g_errand_runner == nullptr) return act();
  return g_errand_runner([](void* given) -> long { return (*static_cast<Errand*>(given))(); }, &act);
}

}  // namespace nosigbus
