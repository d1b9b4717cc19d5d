// SPDX-License-Identifier: MIT
//
// nosigbus-run with the drop-in itself: what the report says of programs that lost a file.
#include <doctest/doctest.h>

#include "tool.h"

using namespace test;

namespace {

std::string report_of(const std::string& scenario, words options = {}) {
  options.push_back(NOSIGBUS_TEST_VICTIM);
  options.push_back(scenario);
  const tool_result result = run_tool(options, {{"NOSIGBUS_PRELOAD", NOSIGBUS_TEST_LIBRARY}});
  CHECK(result.how == exited(0));
  return result.err;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the first missing page is named, not the one that was met") {
  const std::string text = report_of("two_pages_are_left_of_sixteen");
  INFO(text);
  CHECK(has(text, "missing   from offset 8 KiB (8192 bytes) on: end of file\n"));
  CHECK(has(text, "now       still damaged\n"));
}

TEST_CASE("what was unmapped is not damaged") {
  for (const char* scenario : {"a_damaged_mapping_is_unmapped", "a_child_unmaps_and_so_does_its_parent"}) {
    const std::string text = report_of(scenario);
    INFO(text);
    CHECK(has(text, "now       unmapped or changed by the program, while it was damaged\n"));
  }
  const std::string text = report_of("a_child_unmaps_what_is_damaged");
  INFO(text);
  CHECK(has(text, "now       still damaged\n"));
}

TEST_CASE("the code that met the fault is named") {
  const std::string text = report_of("two_pages_are_left_of_sixteen", {"--backtrace"});
  INFO(text);
  CHECK(has(text, "\n    backtrace\n") == (NOSIGBUS_TEST_CHAINS != 0));
  CHECK(has(text, "name_of_the_reader") == (NOSIGBUS_TEST_CHAINS != 0 && NOSIGBUS_TEST_NAMES != 0));
}
