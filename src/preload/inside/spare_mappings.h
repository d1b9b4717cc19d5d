// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Room for a few mappings, kept for the day on which somebody has made as many as the kernel permits
// (vm.max_map_count): from then on it refuses even those that take the place of others.
#pragma once

#include <nosigbus/fault.h>
#include <src/preload/state.h>

namespace nosigbus::preload {

// Keeps room, if there is none kept, or less than there should be.
void keep_spare_mappings();

// Gives it up for as long as the object lives: nobody else takes it meanwhile, but the program.
class lent_mappings {
 public:
  lent_mappings();
  ~lent_mappings();
  lent_mappings(const lent_mappings&) = delete;
  lent_mappings& operator=(const lent_mappings&) = delete;

 private:
  const scoped_signal_block no_signals_;
  const scoped_lock lock_;
};

// As repair, also where the limit is reached.
bool supply_zeros(nosigbus_fault& fault);

}  // namespace nosigbus::preload
