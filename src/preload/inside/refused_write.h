// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Writes that an overlay refuses: a region that passes writes on has overlays for reading only, or what is
// written would vanish. The kernel raises SIGSEGV then, where the program expects SIGBUS, or nothing if the
// file is whole again and the healer has not come by.
#pragma once

#include <nosigbus/fault.h>
#include <src/preload/journal.h>

namespace nosigbus::preload {

enum class refusal {
  not_ours,   // the program's own fault, or another one than a write
  resumable,  // the page can be written now
  missing     // the file does not have the page
};
// What a SIGSEGV means. record: of the mapping that misses the page. Locks the books.
refusal look_at_refused_write(const nosigbus_fault& fault, journal_record** record);

}  // namespace nosigbus::preload
