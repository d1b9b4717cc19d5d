// SPDX-License-Identifier: MIT
//
// What instructions are counted of.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace instructions {

// `run` is what counts; `prepare` is called in front of it, each time. Paths run one after the other, in one
// process.
struct hot_path {
  std::string name;
  std::function<void()> prepare, run;
};
std::vector<hot_path> copies_and_scans();
std::vector<hot_path> guards_and_loads();
std::vector<hot_path> regions();

// A process each: `fault` meets a fault, which is what counts, from the first instruction of the handler to
// the one that it goes on at.
struct fault_path {
  std::string name;
  std::function<void()> prepare, fault;
};
std::vector<fault_path> faults();

// What is a few instructions long is run so many times.
inline constexpr int times = 100;
template <class F>
auto repeated(F what) {
  return [what] {
    for (int i = 0; i < times; ++i) what();
  };
}

inline void require(bool condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "instructions: expected %s\n", what);
  _Exit(1);
}
#define REQUIRE(condition) instructions::require(condition, #condition)

}  // namespace instructions
