// SPDX-License-Identifier: MIT
//
// A record of the journal, as it is at one moment.
#pragma once

#include <src/preload/journal.h>

#include <optional>
#include <string>
#include <vector>

namespace nosigbus::run {

// One address of a call chain. What is not known is empty, and 0 of numbers.
struct frame {
  uint64_t address = 0;
  std::string module{};    // path
  std::string function{};  // in C++ as it is written
  uint64_t offset = 0;     // from the function's beginning; without one, from the module's
  std::string file{};
  int line = 0;
};

// As in journal_record.
struct mapping {
  size_t record = 0;  // its index
  int32_t pid = 0, tid = 0;
  uint64_t address = 0, size = 0, device = 0, inode = 0, first_bad = 0, time = 0;
  uint32_t cause = 0, access = 0, kind = 0;
  bool guarded = false;
  std::string program, name;
  std::vector<uint64_t> callers;
  uint64_t faults = 0, zeros = 0, handler = 0, cured = 0, passed = 0, healed = 0, gone = 0;
  bool damaged = false, is_gone = false;  // now
  std::vector<frame> backtrace;           // of callers, once somebody looked them up
};

// The record with that index; nothing while there is nothing in it. Whatever its writer wrote, the result is
// within its bounds.
std::optional<mapping> read_mapping(const preload::journal& journal, size_t index);

// Whether there is nothing to read in the journal.
inline bool is_empty(const preload::journal& journal) {
  return journal.claimed.load(std::memory_order_relaxed) == 0;
}

// All of the journal, in the order in which they were first bad.
std::vector<mapping> read_mappings(const preload::journal& journal);

// Words for what the numbers mean. In reports for programs: one word.
const char* cause_text(const mapping& of);
const char* cause_word(const mapping& of);
const char* access_word(const mapping& of);
const char* kind_text(const mapping& of);
const char* kind_word(const mapping& of);

// A name for people: what could move a terminal's cursor is shown as \xNN, and memfds by their own name.
std::string shown(const std::string& name);

}  // namespace nosigbus::run
