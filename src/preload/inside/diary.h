// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// Writing into the journal. Without one, and with a null record, nothing is done.
#pragma once

#include <nosigbus/fault.h>
#include <src/inside/mapping_info.h>
#include <src/preload/inside/file_kind.h>
#include <src/preload/journal.h>

namespace nosigbus::preload::diary {

// Set once at start; null without a reader.
extern constinit journal* g_journal;

// This process's record of the mapping, made if there is none; null if there is no room. With the books
// locked.
journal_record* record_of(const mapping_info& info, const nosigbus_fault& fault, file_kind kind,
                          const char* name, bool guarded, void* ucontext);

// This process has the journal.
void note_attached();

enum class outcome { zeros, cured, passed };
// A fault in the mapping: what was wrong, where (first_bad: offset of the first missing page), what became of
// it.
void note_fault(journal_record* record, nosigbus_cause cause, uint64_t first_bad, outcome became,
                bool handler);
void note_passed(journal_record* record);
void note_healed(journal_record* record);
// The program has unmapped or changed the mapping; nothing if it is not damaged.
void note_gone(journal_record* record);

}  // namespace nosigbus::preload::diary
