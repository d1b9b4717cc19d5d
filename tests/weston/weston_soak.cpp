// SPDX-License-Identifier: MIT
//
// Attacks in random order on one wrapped weston, for a given time: it has to live, and to need no more than
// in the beginning of mappings, descriptors and memory.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "attacks.h"
#include "server.h"
#include "words.h"

namespace {

using namespace weston_test;
using clock = std::chrono::steady_clock;

struct sample {
  long mappings, descriptors, resident_kib;
};

// Of the server itself, whatever the wrapper has put in front of it. With the neighbour in it, and nobody
// else.
sample look_at(pid_t server) {
  const std::string folder = "/proc/" + std::to_string(server);
  sample result{};
  std::string line;
  for (std::ifstream maps(folder + "/maps"); std::getline(maps, line);) ++result.mappings;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(folder + "/fd")) {
    ++result.descriptors;
  }
  for (std::ifstream status(folder + "/status"); std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) result.resident_kib = std::stol(line.substr(6));
  }
  return result;
}

using member = long sample::*;

long median(std::vector<sample>::const_iterator begin, std::vector<sample>::const_iterator end,
            member which) {
  std::vector<long> values;
  for (; begin != end; ++begin) values.push_back((*begin).*which);
  const auto middle = values.begin() + static_cast<long>(values.size()) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// The first fifth warms up; of the rest, the first quarter is compared with the last.
bool constant(const std::vector<sample>& all, const char* what, member which, long tolerance) {
  const auto begin = all.begin() + static_cast<long>(all.size()) / 5;
  const long quarter = (all.end() - begin) / 4;
  const long early = median(begin, begin + quarter, which),
             late = median(all.end() - quarter, all.end(), which);
  const bool same = late <= early + tolerance;
  printf("%-12s %8ld in the first quarter, %8ld in the last, %ld more are tolerated: %s\n", what, early, late,
         tolerance, same ? "constant" : "GROWS");
  return same;
}

bool judge(const std::vector<sample>& all) {
  if (all.size() < 20) {
    printf("%zu attacks are too few to tell\n", all.size());
    return false;
  }
  const long resident = median(all.begin(), all.end(), &sample::resident_kib);
  bool result = constant(all, "mappings", &sample::mappings, 4);
  result &= constant(all, "descriptors", &sample::descriptors, 2);
  result &= constant(all, "KiB resident", &sample::resident_kib, std::max(2048L, resident / 20));
  return result;
}

std::vector<attack> attacks_but(const std::vector<std::string>& left_out) {
  std::vector<attack> result;
  for_each_attack([&](const attack& each) {
    if (std::find(left_out.begin(), left_out.end(), each.name) == left_out.end()) result.push_back(each);
  });
  return result;
}

bool soak(int seconds, const std::string& renderer, const std::vector<std::string>& wrapper,
          const std::vector<attack>& attacks) {
  const runtime_folder folder;
  server weston(folder, weston_command(folder, renderer, wrapper));
  const pid_t id = client().server();
  std::random_device seed;
  const unsigned chosen_seed = seed();
  std::mt19937 random(chosen_seed);
  printf("%s for %d s, seed %u\n", renderer.c_str(), seconds, chosen_seed);
  std::vector<sample> samples;
  for (const auto end = clock::now() + std::chrono::seconds(seconds); clock::now() < end;) {
    const attack& each = attacks[random() % attacks.size()];
    const result row = weston.play(each);
    if (row.died() || !row.neighbour_intact()) {
      printf("after %zu attacks, %s: weston %s, attacker %s, neighbour %s\n", samples.size(), each.name,
             row.died() ? row.server.c_str() : "alive", row.attacker.c_str(), row.neighbour.c_str());
      return false;
    }
    samples.push_back(look_at(id));
  }
  printf("alive after %zu attacks\n", samples.size());
  return judge(samples);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    fputs("weston_soak SECONDS pixman|gl \"WRAPPER...\" [ATTACK TO LEAVE OUT]...\n", stderr);
    return 2;
  }
  setlinebuf(stdout);
  signal(SIGPIPE, SIG_IGN);
  try {
    const auto attacks = attacks_but({argv + 4, argv + argc});
    return soak(atoi(argv[1]), argv[2], words(argv[3]), attacks) ? 0 : 1;
  } catch (const std::exception& error) {
    printf("%s\n", error.what());
    return 1;
  }
}
