// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <pty.h>

#include <algorithm>

#include "tool.h"

using namespace test;

namespace {

const words damaged{"record", "/memfd:buffer (deleted)", "zeros", "healed",
                    "record", "/dev/shm/pool",           "passed"};

// What the tool writes to stderr where that is a terminal of our own.
std::string on_terminal(const words& arguments, const variables& environment) {
  int terminal = -1, end = -1;
  REQUIRE(openpty(&terminal, &end, nullptr, nullptr, nullptr) == 0);
  const std::string log = "--log=fd:" + std::to_string(end);
  words all{log};
  all.insert(all.end(), arguments.begin(), arguments.end());
  run_tool(all, environment);
  fcntl(terminal, F_SETFL, O_NONBLOCK);
  std::string text(65536, '\0');
  const ssize_t got = read(terminal, text.data(), text.size());
  close(terminal);
  close(end);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  std::erase(text, '\r');
  return text;
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }
bool colored(const std::string& text) { return has(text, "\033["); }

// Without what is between ESC and m.
std::string plain(std::string text) {
  for (size_t at; (at = text.find("\033[")) != std::string::npos;)
    text.erase(at, text.find('m', at) + 1 - at);
  return text;
}

const variables good_terminal{{"TERM", "xterm"}, {"NO_COLOR", ""}};

}  // namespace

TEST_CASE("a terminal gets colours and nobody else") {
  const std::string text = on_terminal(subject({}, damaged), good_terminal);
  INFO(text);
  CHECK(has(text, "\033[1mmemfd:buffer\033[0m\n"));
  CHECK(has(text, "\033[32mwhole again\033[0m\n"));
  CHECK(has(text, "\033[1;31m1 passed on\033[0m"));
  CHECK(!colored(run_tool(subject({}, damaged), good_terminal).err));
}

TEST_CASE("colours add nothing but themselves") {
  const words options{"--report=text"};
  const variables utc{{"TERM", "xterm"}, {"NO_COLOR", ""}, {"TZ", "UTC"}};
  const auto without_process = [](std::string text) {
    const size_t begin = text.find("pid ");
    return text.substr(0, begin) + text.substr(text.find('\n', begin));
  };
  const words one{"record", "/memfd:x (deleted)", "zeros"};
  CHECK(without_process(plain(on_terminal(subject(options, one), utc))) ==
        without_process(run_tool(subject(options, one), utc).err));
}

TEST_CASE("--color and its variables decide") {
  const auto on = [](words options, variables environment) {
    if (environment.empty()) environment = good_terminal;
    return colored(on_terminal(subject(options, damaged), environment));
  };
  CHECK(on({}, {}));
  CHECK(on({"--color=auto"}, {}));
  CHECK(on({"--follow", "--report=none"}, {}));
  CHECK(!on({"--color=never"}, {}));
  CHECK(!on({}, {{"TERM", "dumb"}}));
  CHECK(!on({}, {{"TERM", ""}}));
  CHECK(!on({}, {{"TERM", "xterm"}, {"NO_COLOR", "1"}}));
  CHECK(!on({}, {{"TERM", "xterm"}, {"NO_COLOR", ""}, {"NOSIGBUS_COLOR", "never"}}));
  CHECK(on({"--color=always"}, {{"TERM", "dumb"}, {"NO_COLOR", "1"}}));
  CHECK(!on({"--report=json"}, {}));
  // Away from a terminal, too.
  CHECK(colored(run_tool(subject({"--color=always"}, damaged), {}).err));
  CHECK(colored(run_tool(subject({}, damaged), {{"NOSIGBUS_COLOR", "always"}}).err));
  CHECK(run_tool({"--color=red", "true"}).how == exited(125));
}

TEST_CASE("messages are coloured where the report would be") {
  const std::string wrong = run_tool({"--color=always", "/nonsense"}).err;
  CHECK(has(wrong, "\033[1;31mnosigbus-run:\033[0m /nonsense: "));
  CHECK(!colored(run_tool({"/nonsense"}).err));
  const variables unprotected{
      {"NOSIGBUS_PRELOAD", NOSIGBUS_TEST_SUBJECT}, {"TERM", "xterm"}, {"NO_COLOR", ""}};
  CHECK(has(on_terminal(subject({}, {}), unprotected), "\033[1;31m ran unprotected\033[0m"));
}
