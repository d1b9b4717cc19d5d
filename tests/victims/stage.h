// SPDX-License-Identifier: MIT
//
// Where a program meets its attack: a folder of its own, and nosigbus-run in front of it, or not.
#pragma once

#include <string>
#include <vector>

#include "support/process.h"

namespace victims_test {

constexpr int patience_milliseconds = 30000;

// How it went.
struct ending {
  std::string how;  // for people
  test::outcome outcome;
  std::string output;  // what nobody had read before the end
  std::string errors, report;
};

class stage {
 public:
  // wrapper: nosigbus-run's path and the options that go in front of it all; empty for the plain program.
  explicit stage(std::vector<std::string> wrapper);
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;
  ~stage();

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  // Makes a file, and returns its path.
  std::string write(const std::string& name, const std::string& content) const;

  // The command that is to be attacked.
  std::vector<std::string> wrapped(const std::vector<std::string>& command) const;
  test::process::destinations destinations() const { return {"", path("errors")}; }
  // What prepares it: has to succeed. Returns its output.
  std::string prepare(const std::vector<std::string>& command, const std::string& input = "") const;

  // Waits for the end of what was attacked.
  ending end_of(test::process& attacked) const;

 private:
  std::string folder_;
  std::vector<std::string> wrapper_;
};

// Cuts a file off, as somebody else would.
void cut(const std::string& path, off_t size);

std::string content_of(const std::string& path);

// Lines that do not compress well, the same each time: `count` of `length` characters and a newline.
std::string noise(size_t count, size_t length);

}  // namespace victims_test
