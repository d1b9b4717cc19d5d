// SPDX-License-Identifier: MIT
//
// What the drop-in was asked for (NOSIGBUS_*, nosigbus-run(1)).
#pragma once

namespace nosigbus::preload {

// Which mappings are guarded.
enum class scope { shm, files, all };
// by_kind: yes for shared memory, no for files.
enum class answer { by_kind, yes, no };

// Set once, before main; constant afterwards.
struct options {
  scope guarded = scope::shm;
  answer absorb_io = answer::by_kind;
  answer discard_writes = answer::by_kind;
  bool rescue = false;  // the program's own handler is not asked
  bool backtrace = false;
};

extern constinit options g_options;

// Whether there can be zeros that the program may write to, and that must not take what it writes: SIGSEGV
// then means that a page is missing.
inline bool overlays_can_refuse_writes() {
  return g_options.discard_writes == answer::no ||
         (g_options.discard_writes == answer::by_kind && g_options.guarded != scope::shm);
}

// Of an environment as main has it, null without. getenv(3) knows none before the C library's own
// constructor.
const char* variable(const char* const* environment, const char* name);

// From the environment. What it does not understand it reports on stderr, and leaves as it was.
void read_options(const char* const* environment);

}  // namespace nosigbus::preload
