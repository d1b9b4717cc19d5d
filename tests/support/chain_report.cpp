// SPDX-License-Identifier: MIT
//
// Scenarios and what was seen of them, in words.
#include <cstring>

#include "chain_scenario.h"

namespace test {

namespace {

constexpr const char* handler_names[] = {"SIG_DFL", "SIG_IGN", "plain", "SA_SIGINFO"};
constexpr const char* mask_names[] = {"empty", "SIGUSR1", "full"};
constexpr const char* stack_names[] = {"absent", "present", "in use"};
constexpr const char* event_names[] = {"missing read", "missing write", "unmapped", "forbidden",
                                       "read-only",    "kill",          "raise",    "sigqueue",
                                       "pthread_kill", "timer"};
constexpr const char* reaction_names[] = {"go on", "again", "edit mask", "leave"};

template <class E, size_t N>
const char* name_of(E value, const char* const (&names)[N]) {
  return names[static_cast<size_t>(value)];
}

void print_call(std::ostream& out, const observed_call& c) {
  out << "\n  call: signal " << c.signo << " code " << c.code << " errno " << c.error_number << std::hex
      << " address/value 0x" << c.address_or_value << " mask 0x" << c.mask << " saved mask 0x" << c.saved_mask
      << std::dec << " stack flags " << c.stack_flags << " on alternate " << c.on_alternate
      << " saved stack flags " << c.saved_stack_flags << " uc_flags " << c.context_flags << " from self "
      << c.from_self;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const scenario& s) {
  out << "signal " << s.signo << ", " << name_of(s.handler, handler_names);
  if ((s.flags & SA_NODEFER) != 0) out << "|SA_NODEFER";
  if ((s.flags & static_cast<int>(SA_RESETHAND)) != 0) out << "|SA_RESETHAND";
  if ((s.flags & SA_ONSTACK) != 0) out << "|SA_ONSTACK";
  return out << ", sa_mask " << name_of(s.mask, mask_names) << ", alternate stack "
             << name_of(s.stack, stack_names) << ", event " << name_of(s.what, event_names)
             << (s.blocked ? ", blocked" : "") << ", handler: " << name_of(s.how, reaction_names);
}

bool result::operator==(const result& other) const {
  return end == other.end && memcmp(&seen, &other.seen, sizeof seen) == 0;
}

std::ostream& operator<<(std::ostream& out, const result& r) {
  out << r.end << ", handler called " << r.seen.calls << " times, went on " << r.seen.rounds << " times";
  for (uint64_t i = 0; i < r.seen.calls && i < observations::max_calls; ++i) print_call(out, r.seen.call[i]);
  for (uint64_t i = 0; i < r.seen.rounds && i < 2; ++i) {
    const auto& after = r.seen.after[i];
    out << "\n  after: errno " << after.error_number << " left " << after.left << std::hex << " pending 0x"
        << after.pending << " mask 0x" << after.mask << std::dec;
  }
  return out;
}

}  // namespace test
