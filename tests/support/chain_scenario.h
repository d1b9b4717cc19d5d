// SPDX-License-Identifier: MIT
//
// One signal, one previous action, two processes: the kernel alone is the model for how the previous
// action is called when nosigbus stands in front of it.
#pragma once

#include <signal.h>

#include <cstdint>

#include "child.h"

namespace test {

enum class handler_kind { by_default, ignored, plain, siginfo };
enum class mask_kind { empty, usr1, full };
// Is there an alternate signal stack, and does the interrupted code run on it?
enum class alternate { absent, present, in_use };
enum class event {
  missing_read,   // SIGBUS: a page past the end of its file, outside every region
  missing_write,  //
  unmapped,       // SIGSEGV: nothing mapped
  forbidden,      // SIGSEGV: PROT_NONE
  read_only,      // SIGSEGV: a write to a page that can be read
  by_kill,
  by_raise,
  by_sigqueue,
  by_pthread_kill,
  by_timer
};
// What the handler does at its first call. At every call it makes the page accessible first or last.
enum class reaction {
  go_on,      // repair, return
  again,      // let the event happen once more, inside the handler
  edit_mask,  // block SIGHUP in the interrupted code, through its ucontext
  leave       // siglongjmp
};

struct scenario {
  int signo = SIGBUS;
  handler_kind handler = handler_kind::siginfo;
  int flags = 0;  // SA_*
  mask_kind mask = mask_kind::empty;
  alternate stack = alternate::absent;
  event what = event::missing_read;
  bool blocked = false;  // the signal, in the thread
  reaction how = reaction::go_on;
};

inline bool is_fault(event what) { return what <= event::read_only; }
inline bool has_handler(const scenario& s) { return s.handler >= handler_kind::plain; }

std::ostream& operator<<(std::ostream& out, const scenario& s);

// What one call of the handler could observe. No padding: compared as bytes.
struct observed_call {
  int64_t signo, code, error_number, stack_flags, on_alternate;
  uint64_t mask;
  // Of siginfo and ucontext; 0 in a handler without SA_SIGINFO.
  uint64_t address_or_value, from_self, saved_mask, saved_stack_flags, context_flags;
};

struct observations {
  static constexpr uint64_t max_calls = 6;
  uint64_t calls;  // of the handler
  observed_call call[max_calls];
  uint64_t rounds;  // events after which the interrupted code went on
  struct {
    int64_t error_number, left;
    uint64_t pending, mask;
  } after[2];
};

struct result {
  outcome end;
  observations seen{};
  bool operator==(const result& other) const;
};

std::ostream& operator<<(std::ostream& out, const result& r);

enum class front { kernel_alone, nosigbus };

// Lets the event of the scenario happen twice, in a child.
result run(const scenario& s, front who);

// The same in the calling process, which may die of it. Nothing but `seen` tells what happened.
void live_through(const scenario& s, front who, observations* seen);

}  // namespace test
