// SPDX-License-Identifier: MIT
//
// As docs/report.schema.json has it. Addresses are text: programs that read numbers as floating point would
// round them.
#include <nosigbus/fault.h>

#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "report.h"

namespace nosigbus::run {

namespace {

using json = nlohmann::ordered_json;

std::string hexadecimal(uint64_t number) {
  char text[19];
  snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(number));
  return text;
}

std::string time_text(uint64_t nanoseconds) {
  const auto seconds = static_cast<time_t>(nanoseconds / 1'000'000'000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char date[32];
  strftime(date, sizeof date, "%FT%T", &parts);
  char text[48];
  snprintf(text, sizeof text, "%s.%09uZ", date, static_cast<unsigned>(nanoseconds % 1'000'000'000));
  return text;
}

json to_json(const frame& of) {
  json out{{"address", hexadecimal(of.address)}};
  if (!of.module.empty()) out["module"] = of.module;
  if (!of.function.empty()) out["function"] = of.function;
  if (!of.module.empty()) out["offset"] = of.offset;
  if (!of.file.empty()) {
    out["file"] = of.file;
    out["line"] = of.line;
  }
  return out;
}

json to_json(const mapping& of) {
  json out{
      {"name", of.name},
      {"kind", kind_word(of)},
      {"device", of.device},
      {"inode", of.inode},
      {"program", of.program},
      {"pid", of.pid},
      {"tid", of.tid},
      {"address", hexadecimal(of.address)},
      {"size", of.size},
      {"time", time_text(of.time)},
      {"cause", cause_word(of)},
      {"access", access_word(of)},
      {"first_bad_offset", of.first_bad},
      {"in_scope", of.guarded},
      {"faults", of.faults},
      {"zeros", of.zeros},
      {"handler_called", of.handler},
      {"cured", of.cured},
      {"passed", of.passed},
      {"healed", of.healed},
      {"damaged", of.damaged},
      {"gone", of.is_gone},
  };
  if (!of.callers.empty()) {
    json& frames = out["backtrace"] = json::array();
    for (size_t i = 0; i < of.callers.size(); ++i) {
      frames.push_back(to_json(i < of.backtrace.size() ? of.backtrace[i] : frame{.address = of.callers[i]}));
    }
  }
  return out;
}

json state_of(const child_state& of) {
  switch (of.what) {
    case child_state::exited:
      return {{"what", "exited"}, {"status", of.value}};
    case child_state::killed:
      return {{"what", "killed"}, {"signal", of.value}};
    case child_state::stopped:
      return {{"what", "stopped"}, {"signal", of.value}};
    case child_state::running:
      break;
  }
  return {{"what", "running"}};
}

// Names are bytes, JSON is UTF-8: what is none becomes U+FFFD.
std::string line(const json& of) { return of.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }

}  // namespace

std::string json_report(const report& of) {
  json out{
      {"type", "report"},
      {"version", 1},
      {"program", of.program},
      {"pid", of.pid},
      {"state", state_of(of.state)},
      {"attached", of.attached},
      {"lost", of.lost},
      {"mappings", json::array()},
  };
  for (const mapping& each : of.mappings) out["mappings"].push_back(to_json(each));
  return line(out);
}

std::string json_event(const event& what, const mapping& where) {
  constexpr const char* words[] = {"damaged", "healed", "passed"};
  return line({
      {"type", "event"},
      {"version", 1},
      {"time", time_text(what.time)},
      {"what", words[static_cast<size_t>(what.what)]},
      {"times", what.times},
      {"mapping", to_json(where)},
  });
}

}  // namespace nosigbus::run
