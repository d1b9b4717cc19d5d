// SPDX-License-Identifier: MIT
//
// storm [--faults N] [--seconds N] [--soak SECONDS] [--jobs N] [--table FILE] [--list] [MECHANISM...]
#include <algorithm>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "supervisor.h"

namespace {

using namespace storms;

bool chosen(const mechanism& one, const std::vector<std::string>& names) {
  if (names.empty()) return true;
  return std::find(names.begin(), names.end(), one.name) != names.end();
}

int list() {
  for (const mechanism& each : mechanisms()) printf("%-16s%s\n", each.name, each.what);
  return 0;
}

bool known(const std::string& name) {
  for (const mechanism& each : mechanisms()) {
    if (name == each.name) return true;
  }
  fprintf(stderr, "storm: no mechanism '%s'; --list names them\n", name.c_str());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  plan what;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--list") return list();
    if (word.rfind("--", 0) != 0) {
      if (!known(word)) return 2;
      names.push_back(word);
      continue;
    }
    const char* const value = ++i < argc ? argv[i] : "";
    if (word == "--faults") {
      what.faults = strtoull(value, nullptr, 10);
    } else if (word == "--seconds") {
      what.seconds = atof(value);
    } else if (word == "--soak") {
      what.soak = atof(value);
    } else if (word == "--jobs") {
      what.jobs = static_cast<unsigned>(atoi(value));
    } else if (word == "--seed") {
      what.seed = strtoull(value, nullptr, 10);
    } else if (word == "--table") {
      what.table = value;
    } else {
      fprintf(stderr, "storm: %s?\n", word.c_str());
      return 2;
    }
  }
  std::vector<mechanism> all;
  for (const mechanism& each : mechanisms()) {
    if (chosen(each, names)) all.push_back(each);
  }
  return supervise(what, all);
}
