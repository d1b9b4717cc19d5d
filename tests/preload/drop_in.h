// SPDX-License-Identifier: MIT
//
// A scenario of preload_victim, below the drop-in or not.
#pragma once

#include <signal.h>
#include <tests/support/child.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace test {

using variables = std::vector<std::pair<const char*, const char*>>;

inline outcome run(const std::string& scenario, const variables& environment) {
  return in_child(
      [&] {
        for (const auto& [name, value] : environment) setenv(name, value, 1);
        execl(PRELOAD_VICTIM, "preload_victim", scenario.c_str(), nullptr);
        return 127;
      },
      40);
}

inline outcome plain(const std::string& scenario) { return run(scenario, {}); }

inline outcome with_drop_in(const std::string& scenario, variables environment = {}) {
  environment.emplace_back("LD_PRELOAD", PRELOAD_LIBRARY);
  return run(scenario, environment);
}

inline const outcome survived = exited(0), bus_error = killed_by(SIGBUS);

}  // namespace test
