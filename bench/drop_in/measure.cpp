// SPDX-License-Identifier: MIT
#include "measure.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace drop_in_bench {

namespace {

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> result;
  for (const std::string& each : words) result.push_back(const_cast<char*>(each.c_str()));
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment(way how) {
  std::vector<std::string> all;
  for (char** each = environ; *each != nullptr; ++each) {
    if (strncmp(*each, "LD_PRELOAD=", 11) != 0 && strncmp(*each, "NOSIGBUS_", 9) != 0)
      all.emplace_back(*each);
  }
  if (how == way::preloaded) {
    all.emplace_back("LD_PRELOAD=" PRELOAD_LIBRARY);
    all.emplace_back("NOSIGBUS_SCOPE=files");
  }
  return all;
}

std::string read_all(int fd) {
  std::string text;
  char bytes[4096];
  for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0;) text.append(bytes, static_cast<size_t>(got));
  return text;
}

// Nanoseconds.
double time_once(const row& of, way how) {
  command words = how == way::plain ? of.plain : of.measured;
  if (how == way::by_run) words.insert(words.begin(), {RUN_PROGRAM, "--scope=files", "--"});
  const std::vector<std::string> variables = environment(how);
  const std::vector<char*> arguments = pointers(words), environment_pointers = pointers(variables);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  pid_t child = 0;
  const auto begin = std::chrono::steady_clock::now();
  const int error =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environment_pointers.data());
  close(ends[1]);
  posix_spawn_file_actions_destroy(&actions);
  const std::string text = error == 0 ? read_all(ends[0]) : "";
  int status = -1;
  if (error == 0) waitpid(child, &status, 0);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
  close(ends[0]);
  if (error != 0 || status != 0) throw std::runtime_error(words[0] + " fails");
  return of.time == taken::by_us ? took.count() : atof(text.c_str());
}

double median(std::vector<double> all) {
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

}  // namespace

figures measure(const row& of) {
  std::vector<double> with, without, ratios, more;
  // Once for what is not in memory yet.
  time_once(of, way::plain);
  time_once(of, of.with);
  for (int round = 0; round < of.rounds; ++round) {
    // Whoever comes second finds the machine as the first has left it: each does, every other time.
    const bool plain_first = round % 2 == 0;
    const double first = time_once(of, plain_first ? way::plain : of.with);
    const double second = time_once(of, plain_first ? of.with : way::plain);
    without.push_back(plain_first ? first : second);
    with.push_back(plain_first ? second : first);
    ratios.push_back(with.back() / without.back());
    more.push_back(with.back() - without.back());
  }
  return {median(with), median(without), median(ratios), median(more)};
}

}  // namespace drop_in_bench
