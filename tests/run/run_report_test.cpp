// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "tool.h"

using namespace test;

namespace {

const words quiet{"variable", "HOME"};
const words busy{"record", "/memfd:buffer (deleted)", "zeros",  "zeros", "healed",
                 "record", "/dev/shm/pool",           "passed", "lost"};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

struct temporary {
  temporary() { close(mkstemp(path)); }
  ~temporary() { unlink(path); }
  char path[32] = "/tmp/nosigbus-log.XXXXXX";
};

}  // namespace

TEST_CASE("nothing is said of nothing unless a report was asked for") {
  CHECK(run_tool(subject({}, quiet)).err.empty());
  CHECK(run_tool(subject({"--follow", "--backtrace"}, quiet)).err.empty());
  CHECK(run_tool(subject({"--report=none"}, quiet)).err.empty());
  CHECK(run_tool(subject({"--report=text"}, quiet)).err == "nosigbus-run: nothing absorbed\n");
  CHECK(run_tool(subject({}, quiet), {{"NOSIGBUS_REPORT", "text"}}).err ==
        "nosigbus-run: nothing absorbed\n");
  CHECK(has(run_tool(subject({"--report=json"}, quiet)).err, "\"mappings\":[]"));
}

TEST_CASE("the report tells of each mapping what happened") {
  const std::string text = run_tool(subject({}, busy), {{"TZ", "UTC"}}).err;
  INFO(text);
  for (const char* part :
       {"nosigbus-run: 4 faults in 2 mappings, 1 passed on\n", "\n  memfd:buffer\n",
        "process   subject, pid ", "mapping   at 0x7f0000000000, 64 KiB (65536 bytes), shared memory\n",
        "missing   from offset 4 KiB (4096 bytes) on: end of file\n",
        "first     2023-11-14 22:13:20.123, by a read\n", "faults    2 faults: 2 answered with zeros\n",
        "now       whole again\n", "\n  /dev/shm/pool\n", "faults    1 fault: 1 passed on\n",
        "and 1 fault for which there was no record left\n"}) {
    INFO(part);
    CHECK(has(text, part));
  }
  CHECK(!has(text, " \n"));
  CHECK(run_tool(subject({"--report=none"}, busy)).err.empty());
}

TEST_CASE("the report outlives a program that is killed") {
  words all = busy;
  all.insert(all.end(), {"die", std::to_string(SIGKILL)});
  const tool_result result = run_tool(subject({}, all));
  CHECK(result.how == killed_by(SIGKILL));
  CHECK(has(result.err, "4 faults in 2 mappings"));
}

TEST_CASE("a name cannot write to the terminal") {
  const std::string text = run_tool(subject({}, {"record", "/memfd:\033[2J\n\x9b\xff", "zeros"})).err;
  CHECK(has(text, "memfd:\\x1b[2J\\x0a\\x9b\\xff\n"));
  const std::string json = run_tool(subject({"--report=json"}, {"record", "/memfd:\033\n\xff", "zeros"})).err;
  CHECK(has(json, "/memfd:\\u001b\\n\xef\xbf\xbd"));
}

TEST_CASE("the report goes to a file, which is appended to, or to a descriptor") {
  const temporary log;
  for (int i = 0; i < 2; ++i) CHECK(run_tool(subject({"--log", log.path}, busy)).err.empty());
  const std::string twice = content(log.path);
  CHECK(has(twice.substr(twice.find("mappings") + 1), "4 faults in 2 mappings"));

  const tool_result to_stdout = run_tool(subject({"--log=fd:1"}, busy));
  CHECK(to_stdout.err.empty());
  CHECK(has(to_stdout.out, "4 faults in 2 mappings"));

  const outcome how = in_child([&log] {
    CHILD_CHECK(dup2(open(log.path, O_WRONLY | O_TRUNC), 60) == 60);
    const tool_result result = run_tool({"sh", "-c", "test -e /proc/$$/fd/60"},
                                        {{"NOSIGBUS_LOG", "60"}, {"NOSIGBUS_REPORT", "text"}});
    return result.err.empty() ? result.how.exit_code : 50;
  });
  CHECK(how == exited(1));  // the program has not got it
  CHECK(content(log.path) == "nosigbus-run: nothing absorbed\n");
}

TEST_CASE("--follow tells it when it happens") {
  const words steps{"record", "/memfd:x (deleted)",   "zeros", "sleep", "healed", "sleep", "passed",
                    "wait",   std::to_string(SIGTERM)};
  tool running(subject({"--follow", "--report=none"}, steps));
  CHECK(running.reported("memfd:x is damaged (from offset 4096 of 65536 on: end of file)\n"));
  CHECK(running.reported("memfd:x is whole again\n"));
  CHECK(running.reported("memfd:x is bad, and that was passed on to the program"));
  REQUIRE(running.wrote("ready"));
  kill(running.pid(), SIGTERM);
  CHECK(running.finish().how == exited(0));
}

TEST_CASE("what the program has unmapped is damaged no more") {
  const words steps{"record", "/memfd:x (deleted)", "zeros", "gone"};
  const std::string text = run_tool(subject({"--follow"}, steps)).err;
  CHECK(has(text, "memfd:x is damaged"));
  CHECK(has(text, "now       unmapped or changed by the program, while it was damaged\n"));
  const std::string json = run_tool(subject({"--report=json"}, steps)).err;
  CHECK(has(json, "\"damaged\":false,\"gone\":true"));
}

TEST_CASE("what happens between two looks is counted") {
  words steps{"record", "/memfd:x (deleted)"};
  for (int i = 0; i < 5; ++i) steps.insert(steps.end(), {"zeros", "healed"});
  steps.push_back("zeros");
  const std::string text = run_tool(subject({"--report=json", "--follow"}, steps)).err;
  uint64_t damaged = 0, healed = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t times = line.find("\"times\":");
    if (times == std::string::npos) continue;
    (has(line, "\"what\":\"damaged\"") ? damaged : healed) +=
        std::strtoull(line.c_str() + times + 8, nullptr, 10);
  }
  CHECK(damaged == 6);
  CHECK(healed == 5);
}

TEST_CASE("--backtrace names the code as long as the process lives or its modules are known") {
  words steps{"record", "/memfd:x (deleted)", "zeros", "sleep"};
  const std::string text = run_tool(subject({"--backtrace"}, steps)).err;
  INFO(text);
  CHECK(has(text, "run_subject"));
  if (NOSIGBUS_TEST_NAMES) {
    CHECK(has(text, "name_of_the_culprit"));
    CHECK(has(text, "subject.cpp:"));
  }
  CHECK(!has(run_tool(subject({}, steps)).err, "run_subject"));
}
