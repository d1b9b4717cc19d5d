// SPDX-License-Identifier: MIT
//
// What the library can be asked to do, in children: one public function, or one path of its handler, each,
// with what it answers when nothing fails and what it may answer when something does.
#pragma once

#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "system_calls.h"

namespace test {

// What `act` of stage::observe may return.
struct answers {
  int expected;             // nothing failed
  std::vector<int> others;  // documented, when a system call failed
  bool any_error = false;   // documented: what the system call failed with
};

// Who plays a scenario, and looks at the system calls that are made in between.
class stage {
 public:
  virtual ~stage() = default;
  // Runs `act`, which makes no system call but by the library. Returns what it returned, or does not return.
  int observe(const answers& permitted, const std::function<int()>& act) {
    begin();
    const int answer = act();
    end();
    return judge(permitted, answer);
  }
  // The same for what others call: the library's calls begin, and end. What came of them follows at once.
  virtual void begin() = 0;
  virtual void end() = 0;
  // Returns `answer`, or does not return.
  virtual int judge(const answers& permitted, int answer) = 0;
  // Whether system calls may fail.
  virtual bool failing() const = 0;
  // Whether one has failed by which mappings are made, or the kernel has said of one that there is none.
  virtual bool mappings_failed() const = 0;
};

struct scenario {
  std::string name;
  std::vector<std::string> rows;  // of the tables in docs/sandbox.md
  // Leaves nothing behind, whatever the observed part returned, so that it can be played again.
  std::function<void(stage&)> play;
  int dies_by = 0;             // what ends the process at the end of what is observed
  bool installed = true;       // nosigbus_install has been called
  call_names foreign{};        // system calls, in what is observed, that are not the library's
  call_names below{};          // other libraries', which take nothing for an end, or do it again and again
  bool each_in_turn = false;   // fails: not only the first few calls of a kind
  bool other_threads = false;  // observed are the library's own threads, in no order that can be told
  bool wakes_others = false;   // a process that waits at some times
};

// Whether there is time for more than is told from each other (NOSIGBUS_TEST_INJECTION=all).
inline bool all_of_them() {
  const char* const text = getenv("NOSIGBUS_TEST_INJECTION");
  return text != nullptr && strcmp(text, "all") == 0;
}

std::vector<scenario> handler_scenarios();
std::vector<scenario> chain_scenarios();
std::vector<scenario> region_scenarios();
std::vector<scenario> process_scenarios();
// Where fibers are built.
std::vector<scenario> fiber_scenarios();
// A page that the hardware lost, which costs a page: not to be played often.
scenario poison_scenario();

// Before a scenario: a fault that nosigbus does not absorb comes back from touch().
void catch_declined_faults();

// Reads, or writes, one byte as code does that knows nothing of nosigbus. Absorbing keeps errno.
enum touch_answer { touch_declined = 0, touch_right = 1, touch_wrong = 2 };
int touch(const volatile void* at, unsigned char wanted);
int touch_to_write(volatile void* at, unsigned char value);

}  // namespace test
