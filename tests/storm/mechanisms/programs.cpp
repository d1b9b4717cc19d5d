// SPDX-License-Identifier: MIT
//
// Mechanisms that are programs of their own.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "../mechanism.h"

namespace storms {

namespace {

void set_seconds(const char* variable, double seconds) {
  setenv(variable, std::to_string(static_cast<long>(std::min(std::max(seconds, 1.0), 1e9))).c_str(), 1);
}

// By the clock, about as long as it takes for so many faults.
void become_region_storm(uint64_t faults, double seconds) {
  set_seconds("NOSIGBUS_TEST_SECONDS", std::min(static_cast<double>(faults) / 20'000, seconds));
  if (freopen("/dev/null", "w", stdout) != nullptr) execl(NOSIGBUS_REGION_STORM, "region_storm", nullptr);
}

const registration g_regions{{"region_storm",
                              "everything that can be done to regions at once, against another process", 10,
                              8, nullptr, nullptr, nullptr, become_region_storm, true}};

#ifdef NOSIGBUS_STORM_RUN
void become_victim(uint64_t faults, double seconds) {
  setenv("NOSIGBUS_STORM_FAULTS", std::to_string(faults).c_str(), 1);
  set_seconds("NOSIGBUS_STORM_SECONDS", seconds);
  execl(NOSIGBUS_STORM_RUN, "nosigbus-run", "--log=/dev/null", "--", NOSIGBUS_STORM_VICTIM, nullptr);
}

const registration g_drop_in{{"drop_in", "nosigbus-run with a program that knows nothing of it", 10, 2,
                              nullptr, nullptr, nullptr, become_victim}};
#endif

}  // namespace

}  // namespace storms
