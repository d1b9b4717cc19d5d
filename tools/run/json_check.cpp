// SPDX-License-Identifier: MIT
//
// As docs/report.schema.json has it.
#include <nlohmann/json.hpp>

#include "check.h"

namespace nosigbus::run {

std::string json_check(const check_report& of) {
  using json = nlohmann::ordered_json;
  constexpr const char* words[] = {"refused", "guarded", "unguarded", "note"};
  json findings = json::array();
  for (const finding& each : of.findings) {
    json out{{"what", words[static_cast<size_t>(each.what)]}, {"id", each.id}, {"text", each.text}};
    if (!each.advice.empty()) out["advice"] = each.advice;
    if (!each.subjects.empty()) out["files"] = each.subjects;
    findings.push_back(std::move(out));
  }
  const json out{
      {"type", "check"},     {"version", 1},      {"program", of.program}, {"protectable", of.status == 0},
      {"status", of.status}, {"files", of.files}, {"findings", findings},
  };
  // Names are bytes, JSON is UTF-8: what is none becomes U+FFFD.
  return out.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace nosigbus::run
