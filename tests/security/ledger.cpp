// SPDX-License-Identifier: MIT
#include "ledger.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace test {

namespace {

class row {
 public:
  explicit row(const std::string& act) : text_("| " + act) {}

  template <class Number>
  void add(const std::string& what, Number found, Number most) {
    CAPTURE(what);
    CHECK(found <= most);
    text_ += " | " + std::to_string(found);
    if (found != most) text_ += " ≤ " + std::to_string(most);
  }
  void add_unknown(int count) {
    for (int i = 0; i < count; ++i) text_ += " | –";
  }
  void write(const char* name, const char* file) {
    text_ += std::string(" | ") + name + " |\n";
    const char* const path = getenv("NOSIGBUS_SECURITY_ROWS");
    if (path == nullptr) return;
    FILE* const out = fopen(path, "a");
    REQUIRE(out != nullptr);
    fprintf(out, "%s\t%s", file, text_.c_str());
    fclose(out);
  }

 private:
  std::string text_;
};

}  // namespace

measured worse(const measured& one, const measured& other) {
  measured both = one;
  const auto raise = [](auto& number, auto by) { number = std::max(number, by); };
  raise(both.calls, other.calls);
  raise(both.signals, other.signals);
  raise(both.page_faults, other.page_faults);
  raise(both.calls_at_most, other.calls_at_most);
  raise(both.mappings, other.mappings);
  raise(both.descriptors, other.descriptors);
  raise(both.memory, other.memory);
  raise(both.counted, other.counted);
  both.levels_known |= other.levels_known;
  if (other.how != exited(0)) both.how = other.how;
  return both;
}

void enter(const std::string& act, const measured& found, const bounds& most) {
  CAPTURE(act);
  REQUIRE(found.how == exited(0));
  row out(act);
  out.add("signals", found.signals, most.signals);
  if (found.levels_known) {
    out.add("page faults", found.page_faults, most.page_faults);
  } else {
    out.add_unknown(1);
  }
  out.add("system calls", found.calls, most.calls);
  out.add("system calls of one signal", found.calls_at_most, most.calls_at_most);
  if (found.levels_known) {
    out.add("mappings", std::max(found.mappings, 0L), most.mappings);
    out.add("descriptors", std::max(found.descriptors, 0L), most.descriptors);
    out.add("memory", found.memory < noise ? 0 : found.memory, most.memory);
    out.add("events", found.counted, most.events);
  } else {
    out.add_unknown(4);
  }
  const doctest::TestCaseData& now = *doctest::getContextOptions()->currentTest;
  out.write(now.m_name, now.m_file.c_str());
}

}  // namespace test
