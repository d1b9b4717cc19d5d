// SPDX-License-Identifier: MIT
//
// Programs of examples/embedders and tests/coexistence, run with one MODE and one CASE after the other.
//
// What was found is appended to the file of the environment's NOSIGBUS_COEXISTENCE_REPORT, a line each:
// "absorbed CASE" or "unchanged CASE". For scripts/test-coexistence.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "support/child.h"

namespace embedders {

// How a program ended, and something that it said, on either output.
struct ending {
  test::outcome outcome;
  std::string said;
};

// Equal: the same outcome, and what it has said contains what is expected.
bool operator==(const ending& actual, const ending& expected);
std::ostream& operator<<(std::ostream& out, const ending& it);

class program {
 public:
  // Lists, separated by |. What is in `arguments` comes after MODE and CASE.
  explicit program(const std::string& command, const std::string& arguments = "");
  // The same with NAME=VALUE in its environment; as an argument of another program.
  program with(const std::string& variable) const;
  program below(const std::vector<std::string>& command) const;

  ending run(const std::string& mode, const std::string& what) const;

 private:
  std::vector<std::string> command_, arguments_;
};

// Modes in which the program's own protection is in front of all other handlers: nosigbus's, or the
// embedder's that asks it first.
inline const std::vector<std::string> protections{"installed", "segv", "own", "rearmed"};

// For checks of other kinds.
void note_absorbed(const std::string& what);
void note_unchanged(const std::string& what);

// Where nosigbus is first, the case ends well. Where it is not there, it ends as given. Behind a handler that
// knows nothing of it, it is of no use.
void check_absorbed(const program& subject, const std::string& what, const ending& without);

// With nosigbus and without it, the case ends as given.
void check_unchanged(const program& subject, const std::string& what, const ending& expected);

// What it says from the line with `first` on, without frames of nosigbus and what is another number in each
// process.
std::string report(const ending& it, const std::string& first);

// The same, and the report that begins with what is expected is the same.
void check_same_report(const program& subject, const std::string& what, const ending& expected);

// The same for a fault that kills by SIGBUS. Where a crash reporter was there before nosigbus was put in
// front of it, it learns of that.
void check_handed_on(const program& subject, const std::string& what, const ending& expected);

// The case says "USED of SIZE bytes" of the signal stack on which the handler ran: 1 KiB is left of it, and
// USED is not more than 2 KiB beyond what the kernel itself puts there.
void check_stack(const program& subject, const std::string& mode, const std::string& what);

// The case "check": whether nosigbus is in front, as it says itself.
void check_place(const program& subject);

inline const ending well{test::exited(0), ""};

}  // namespace embedders
