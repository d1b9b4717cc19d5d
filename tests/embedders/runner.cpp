// SPDX-License-Identifier: MIT
#include "runner.h"

#include <doctest/doctest.h>
#include <errno.h>
#include <signal.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "support/process.h"

namespace embedders {

namespace {

constexpr int patience_milliseconds = 120000;

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream rest(list);
  for (std::string part; std::getline(rest, part, '|');) parts.push_back(part);
  return parts;
}

// A file for what a program has to say.
class notes {
 public:
  notes() {
    const int fd = mkstemp(path_.data());
    if (fd < 0) throw std::runtime_error("no temporary file");
    close(fd);
  }
  notes(const notes&) = delete;
  notes& operator=(const notes&) = delete;
  ~notes() { unlink(path_.c_str()); }

  const std::string& path() const { return path_; }
  std::string text() const {
    std::ostringstream out;
    out << std::ifstream(path_).rdbuf();
    return out.str();
  }

 private:
  std::string path_ = "/tmp/embedders-XXXXXX";
};

const ending reported{test::killed_by(SIGBUS), "crash reporter: SIGBUS"};

}  // namespace

bool operator==(const ending& actual, const ending& expected) {
  return actual.outcome == expected.outcome && actual.said.find(expected.said) != std::string::npos;
}

std::ostream& operator<<(std::ostream& out, const ending& it) {
  return out << it.outcome << ", said: " << it.said.substr(0, 1500);
}

program::program(const std::string& command, const std::string& arguments)
    : command_(split(command)), arguments_(split(arguments)) {}

program program::with(const std::string& variable) const { return below({"env", variable}); }

program program::below(const std::vector<std::string>& command) const {
  program result = *this;
  result.command_.insert(result.command_.begin(), command.begin(), command.end());
  return result;
}

ending program::run(const std::string& mode, const std::string& what) const {
  std::vector<std::string> command = command_;
  command.insert(command.end(), {mode, what});
  command.insert(command.end(), arguments_.begin(), arguments_.end());
  const notes said;
  test::process subject(command, {said.path(), said.path()});
  const auto ended = subject.ended(patience_milliseconds);
  test::outcome timed_out;
  timed_out.timed_out = true;
  return {ended.value_or(timed_out), said.text()};
}

namespace {

// With one write, which does not mix with another process's.
void note(const std::string& line) {
  const char* const path = getenv("NOSIGBUS_COEXISTENCE_REPORT");
  if (path == nullptr) return;
  std::ofstream(path, std::ios::app) << line + "\n" << std::flush;
}

}  // namespace

void note_absorbed(const std::string& what) { note("absorbed " + what); }
void note_unchanged(const std::string& what) { note("unchanged " + what); }

void check_absorbed(const program& subject, const std::string& what, const ending& without) {
  CAPTURE(what);
  note_absorbed(what);
  CHECK(subject.run("none", what) == without);
  CHECK(subject.run("displaced", what) == reported);
  for (const std::string& mode : protections) {
    CAPTURE(mode);
    CHECK(subject.run(mode, what) == well);
  }
}

namespace {

void check_same(const program& subject, const std::string& what, const ending& expected,
                const ending& rearmed) {
  CAPTURE(what);
  note_unchanged(what);
  CHECK(subject.run("none", what) == expected);
  for (const std::string& mode : protections) {
    CAPTURE(mode);
    CHECK(subject.run(mode, what) == (mode == "rearmed" ? rearmed : expected));
  }
}

}  // namespace

void check_unchanged(const program& subject, const std::string& what, const ending& expected) {
  check_same(subject, what, expected, expected);
}

std::string report(const ending& it, const std::string& first) {
  const size_t at = it.said.find(first);
  if (at == std::string::npos) return "no report in: " + it.said;
  std::istringstream rest(it.said.substr(it.said.rfind('\n', at) + 1));
  std::string result;
  for (std::string line; std::getline(rest, line);) {
    if (line.find("libnosigbus.so") == std::string::npos) result += line + "\n";
  }
  return std::regex_replace(result, std::regex("0x[0-9a-f]+|[0-9]+"), "#");
}

void check_same_report(const program& subject, const std::string& what, const ending& expected) {
  CAPTURE(what);
  note_unchanged(what);
  const ending without = subject.run("none", what);
  CHECK(without == expected);
  for (const std::string& mode : protections) {
    CAPTURE(mode);
    const ending with = subject.run(mode, what);
    if (mode == "rearmed" && with == reported) continue;  // it learns first of what is not ours
    CHECK(with == expected);
    CHECK(report(with, expected.said) == report(without, expected.said));
  }
}

void check_handed_on(const program& subject, const std::string& what, const ending& expected) {
  check_same(subject, what, expected, reported);
}

void check_place(const program& subject) {
  const auto says = [](int error) {
    return ending{test::exited(0), "check: " + std::to_string(error) + "\n"};
  };
  CHECK(subject.run("none", "check") == says(ENOENT));
  CHECK(subject.run("own", "check") == says(ENOENT));
  CHECK(subject.run("installed", "check") == says(0));
  CHECK(subject.run("displaced", "check") == says(EBUSY));
  CHECK(subject.run("rearmed", "check") == says(0));
}

void check_stack(const program& subject, const std::string& mode, const std::string& what) {
  CAPTURE(mode);
  CAPTURE(what);
  const ending it = subject.run(mode, what);
  CHECK(it == ending{test::exited(0), " bytes\n"});
  unsigned long used = 0, size = 0;
  REQUIRE(sscanf(it.said.c_str(), "%lu of %lu bytes", &used, &size) == 2);
  CHECK(used > 0);
  CHECK(used + 1024 <= size);
  // The largest frame of this processor (signal(7), getauxval(3)).
  CHECK(used <= getauxval(AT_MINSIGSTKSZ) + 2048);
}

}  // namespace embedders
