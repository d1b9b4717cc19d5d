// SPDX-License-Identifier: MIT
//
// What happened, written down for people (text) and for programs (JSON, docs/report.schema.json).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "child.h"
#include "mapping.h"
#include "style.h"

namespace nosigbus::run {

struct report {
  std::string program;  // path
  pid_t pid = 0;
  child_state state;
  uint32_t attached = 0;  // processes that loaded the drop-in
  uint32_t lost = 0;      // faults without a record
  std::vector<mapping> mappings;
};

enum class event_kind { damaged, healed, passed };

// Something that became of a mapping, so many times since it was looked at last.
struct event {
  event_kind what;
  uint64_t times;
  uint64_t time;  // of the look, ns since the epoch
};

// Each ends with a newline. Of a report in which nothing is: empty, unless `always`.
std::string text_report(const report& of, bool always, const style& in = {});
std::string text_event(const event& what, const mapping& where, const style& in = {});

// Each in one line.
std::string json_report(const report& of);
std::string json_event(const event& what, const mapping& where);

// That the program never loaded the drop-in; empty if it did.
std::string warning(const report& of, const style& in = {});

}  // namespace nosigbus::run
