// SPDX-License-Identifier: MIT
#include "stage.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace victims_test {

stage::stage(std::vector<std::string> wrapper) : wrapper_(std::move(wrapper)) {
  char name[] = "/tmp/victims_test.XXXXXX";
  if (mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
  folder_ = name;
}

stage::~stage() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string stage::write(const std::string& name, const std::string& content) const {
  std::ofstream(path(name), std::ios::binary) << content;
  return path(name);
}

std::vector<std::string> stage::wrapped(const std::vector<std::string>& command) const {
  if (wrapper_.empty()) return command;
  std::vector<std::string> all = wrapper_;
  all.push_back("--log=" + path("report"));
  all.emplace_back("--");
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

std::string stage::prepare(const std::vector<std::string>& command, const std::string& input) const {
  test::process helper(command, destinations());
  helper.send(input);
  helper.close_input();
  const std::string output = helper.rest(patience_milliseconds);
  if (helper.ended(patience_milliseconds) != test::exited(0)) {
    throw std::runtime_error(command[0] + " fails before the attack: " + content_of(path("errors")));
  }
  return output;
}

ending stage::end_of(test::process& attacked) const {
  ending result;
  attacked.close_input();
  result.output = attacked.rest(patience_milliseconds);
  const auto ended = attacked.ended(patience_milliseconds);
  result.outcome = ended.value_or(test::outcome{-1, 0, true});
  std::ostringstream text;
  text << result.outcome;
  result.how = text.str();
  result.errors = content_of(path("errors"));
  result.report = content_of(path("report"));
  return result;
}

void cut(const std::string& path, off_t size) {
  if (truncate(path.c_str(), size) != 0) throw std::runtime_error("cannot truncate " + path);
}

std::string content_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::string noise(size_t count, size_t length) {
  constexpr char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-";
  std::minstd_rand random(1);
  std::string text;
  text.reserve(count * (length + 1));
  for (size_t line = 0; line < count; ++line) {
    for (size_t i = 0; i < length; ++i) text += letters[random() >> 8 & 63];
    text += '\n';
  }
  return text;
}

}  // namespace victims_test
