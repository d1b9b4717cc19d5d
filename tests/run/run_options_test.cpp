// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <unistd.h>

#include <sstream>

#include "files.h"
#include "support/small_filesystem.h"
#include "tool.h"

using namespace test;

namespace {

std::string variable_with(const char* name, const words& options, const variables& environment) {
  return run_tool(subject(options, {"variable", name}), environment).out;
}

struct example {
  const char *option, *variable, *value, *other;
};
constexpr example examples[] = {
    {"--scope", "NOSIGBUS_SCOPE", "files", "all"},
    {"--io", "NOSIGBUS_IO", "absorb", "pass"},
    {"--write", "NOSIGBUS_WRITE", "discard", "pass"},
    {"--own-handler", "NOSIGBUS_OWN_HANDLER", "rescue", "cooperate"},
};

}  // namespace

TEST_CASE("what nobody says is left to the drop-in") {
  for (const example& each : examples) CHECK(variable_with(each.variable, {}, {}) == "(none)\n");
}

TEST_CASE("an option reaches the program as its variable") {
  for (const example& each : examples) {
    const std::string expected = each.value + std::string("\n");
    CHECK(variable_with(each.variable, {each.option, each.value}, {}) == expected);
    CHECK(variable_with(each.variable, {std::string(each.option) + "=" + each.value}, {}) == expected);
  }
  CHECK(variable_with("NOSIGBUS_BACKTRACE", {"--backtrace"}, {}) == "1\n");
}

TEST_CASE("an option is stronger than its variable") {
  for (const example& each : examples) {
    const variables environment{{each.variable, each.other}};
    CHECK(variable_with(each.variable, {}, environment) == each.other + std::string("\n"));
    CHECK(variable_with(each.variable, {each.option, each.value}, environment) ==
          each.value + std::string("\n"));
  }
  // Even than one that says nothing.
  CHECK(variable_with("NOSIGBUS_SCOPE", {"--scope=all"}, {{"NOSIGBUS_SCOPE", "nonsense"}}) == "all\n");
}

TEST_CASE("a mistake is 125 and says what to do") {
  for (const example& each : examples) {
    const tool_result by_option = run_tool({each.option, "nonsense", "true"});
    CHECK(by_option.how == exited(125));
    CHECK(by_option.err.find(std::string(each.option) + "=nonsense is none of ") != std::string::npos);
    CHECK(by_option.err.find(each.value) != std::string::npos);
    const tool_result by_variable = run_tool({"true"}, {{each.variable, "nonsense"}});
    CHECK(by_variable.how == exited(125));
    CHECK(by_variable.err.find(std::string(each.variable) + "=nonsense is none of ") != std::string::npos);
  }
  for (const words& wrong :
       {words{"--nonsense", "true"}, words{"--scope"}, words{}, words{"--"}, words{"--follow=x", "true"}}) {
    const tool_result result = run_tool(wrong);
    CHECK(result.how == exited(125));
    CHECK(result.err.find("--help") != std::string::npos);
    CHECK(result.out.empty());
  }
  CHECK(run_tool({"true"}, {{"NOSIGBUS_FOLLOW", "yes"}}).how == exited(125));
  CHECK(run_tool({"true"}, {{"NOSIGBUS_PRELOAD", "/nonsense.so"}}).how == exited(125));
  for (const char* log : {"--log=/nonsense/file", "--log=fd:77", "--log=77", "--log=fd:x"}) {
    CHECK(run_tool({log, "true"}).how == exited(125));
  }
}

TEST_CASE("everything from the program on is the program's") {
  const tool_result result = run_tool({"echo", "--scope=nonsense", "--help", "--", "[a,b]", "", "-x"});
  CHECK(result.how == exited(0));
  CHECK(result.out == "--scope=nonsense --help -- [a,b]  -x\n");
  CHECK(run_tool({"--scope", "shm", "--", "echo", "--", "x"}).out == "-- x\n");
}

TEST_CASE("help and version go to stdout") {
  const tool_result help = run_tool({"--help"});
  CHECK(help.how == exited(0));
  CHECK(help.err.empty());
  for (const example& each : examples) CHECK(help.out.find(each.option) != std::string::npos);
  CHECK(run_tool({"-h"}).out == help.out);
  CHECK(run_tool({"--version"}).out == "nosigbus-run " NOSIGBUS_TEST_VERSION "\n");
}

TEST_CASE("help fits a terminal of 24 lines and 80 columns") {
  std::istringstream lines(run_tool({"--help"}).out);
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    INFO(line);
    CHECK(line.size() < 80);
  }
  CHECK(count > 10);
  CHECK(count < 24);  // the prompt is below it
}

TEST_CASE("other preloaded libraries stay") {
  const std::string one = variable_with("LD_PRELOAD", {}, {});
  CHECK(one == NOSIGBUS_TEST_STAND_IN "\n");
  CHECK(variable_with("LD_PRELOAD", {}, {{"LD_PRELOAD", "libm.so.6"}}) == NOSIGBUS_TEST_STAND_IN
        ":libm.so.6\n");
}

TEST_CASE("without a place of its own no library is taken from the working directory") {
  if (!file_systems_can_be_mounted("/proc")) {
    MESSAGE("skipped: nothing can be mounted here");
    return;
  }
  const program_folder here;
  here.copy(NOSIGBUS_TEST_STAND_IN, "libnosigbus-preload.so");
  CHECK(in_child([&here] {
          const small_filesystem over_proc(16, "/proc");
          if (run_tool({"--version"}).how != exited(0)) return 0;  // a sanitizer's runtime needs /proc
          CHILD_CHECK(chdir(here.path().c_str()) == 0);
          const tool_result unknown = run_tool({"--check", "/bin/true"}, {{"NOSIGBUS_PRELOAD", ""}});
          CHILD_CHECK(unknown.how == exited(125));
          CHILD_CHECK(unknown.err.find("NOSIGBUS_PRELOAD") != std::string::npos);
          CHILD_CHECK(run_tool({"--check", "/bin/true"}).how == exited(0));
          return 0;
        }) == exited(0));
}
