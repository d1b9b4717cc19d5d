// SPDX-License-Identifier: MIT
//
// One run of a program, from its start to its report.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "child.h"
#include "journal_file.h"
#include "modules.h"
#include "options.h"
#include "output.h"
#include "style.h"
#include "watch.h"

namespace nosigbus::run {

class session {
 public:
  // program: the file that asked.command's first word means.
  session(const options& asked, const std::string& program);

  // Runs it with the drop-in until it ends, and writes what was asked for. Throws failure if it cannot be
  // started.
  child_state run(const std::string& library);

 private:
  // Whether it matters what is in the journal before the end.
  bool watching() const { return asked_.follow || asked_.backtrace; }
  void look();
  void add_backtrace(mapping& to) const;
  void write_report(const child_state& state);
  void wait(uint32_t news, uint32_t wakes) const;

  const options& asked_;
  const std::string program_;
  output out_;
  const style style_;
  const journal_file journal_;
  watch watch_;
  modules modules_;
  std::unordered_map<size_t, std::vector<frame>> backtraces_;  // by mapping::record
  pid_t child_ = 0;
  bool heard_ = true;      // started::heard
  uint32_t attached_ = 0;  // as of the last look
};

}  // namespace nosigbus::run
