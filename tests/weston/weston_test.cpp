// SPDX-License-Identifier: MIT
//
// Every attack against weston as it is, and against weston below a wrapper that promises to protect it. By
// itself weston survives what libwayland's own SIGBUS handler knows, and ends the attacker's connection; the
// rest kills it. The wrapped one has to survive everything, and still to end every connection that it ended
// by itself.
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attacks.h"
#include "server.h"
#include "words.h"

namespace {

using namespace weston_test;

struct options {
  std::vector<std::string> wrapper, renderers, attacks;
  bool rescue = false;

  bool wants(const attack& each) const {
    return attacks.empty() || std::find(attacks.begin(), attacks.end(), each.name) != attacks.end();
  }
};

using results = std::map<std::string, result>;

void print_row(const char* mode, const std::string& renderer, const char* name, const result& row) {
  printf("%-8s %-7s %-30s %-20s %-42s %s\n", mode, renderer.c_str(), name,
         row.died() ? row.server.c_str() : "alive", row.attacker.c_str(), row.neighbour.c_str());
  fflush(stdout);
}

// All attacks on one renderer. A server that lives serves them all; one that dies is replaced.
results play_all(const options& wanted, const runtime_folder& folder, const std::string& renderer,
                 const std::vector<std::string>& wrapper) {
  results all;
  std::optional<server> current;
  for_each_attack([&](const attack& each) {
    if (!wanted.wants(each)) return;
    if (!current) current.emplace(folder, weston_command(folder, renderer, wrapper));
    const result row = current->play(each);
    print_row(wrapper.empty() ? "plain" : "wrapped", renderer, each.name, row);
    if (row.died() || !row.neighbour_intact()) current.reset();
    all[each.name] = row;
  });
  return all;
}

class verdict {
 public:
  void expect(bool holds, const std::string& otherwise) {
    if (holds) return;
    printf("VIOLATION: %s\n", otherwise.c_str());
    ++violations_;
  }
  bool passed() const { return violations_ == 0; }

 private:
  int violations_ = 0;
};

void judge(verdict& so_far, const options& wanted, const std::string& what, const result& plain,
           const result& wrapped) {
  so_far.expect(!wrapped.died(), what + ": wrapped weston " + wrapped.server);
  so_far.expect(wrapped.neighbour_intact(), what + ": the neighbour of wrapped weston: " + wrapped.neighbour);
  so_far.expect(wanted.rescue || !plain.attacker_is("disconnected") || plain.died() ||
                    wrapped.attacker_is("disconnected"),
                what + ": the attacker is tolerated");
  so_far.expect(wrapped.attacker_is("disconnected") || wrapped.attacker_is("stayed") ||
                    (plain.attacker_is("skipped") && wrapped.attacker_is("skipped")),
                what + ": the attacker " + wrapped.attacker);
  so_far.expect(wrapped.attacker.find(pixels_lost) == std::string::npos, what + ": " + pixels_lost);
}

void judge_harmless(verdict& so_far, const std::string& what, const result& row) {
  so_far.expect(!row.died() && row.neighbour_intact(), what + ": without an attack");
  so_far.expect(row.attacker_is("stayed"), what + ": a harmless client " + row.attacker);
}

void print_end_of(const std::string& log) {
  std::deque<std::string> lines;
  std::string line;
  for (std::ifstream file(log); std::getline(file, line);) {
    lines.push_back(line);
    if (lines.size() > 40) lines.pop_front();
  }
  puts("the last that weston and its wrapper said:");
  for (const std::string& each : lines) printf("  %s\n", each.c_str());
}

bool run(const options& wanted) {
  verdict so_far;
  const runtime_folder folder;
  int deaths = 0;
  for (const std::string& renderer : wanted.renderers) {
    const results plain = play_all(wanted, folder, renderer, {});
    for (const auto& [name, row] : plain) deaths += row.died();
    const results wrapped =
        wanted.wrapper.empty() ? results() : play_all(wanted, folder, renderer, wanted.wrapper);
    for_each_attack([&](const attack& each) {
      if (!plain.contains(each.name)) return;
      const std::string what = renderer + " " + each.name;
      const bool harmless = each.kind == nature::harmless;
      if (harmless) judge_harmless(so_far, what + ", plain", plain.at(each.name));
      if (wrapped.empty()) return;
      if (harmless) judge_harmless(so_far, what + ", wrapped", wrapped.at(each.name));
      judge(so_far, wanted, what, plain.at(each.name), wrapped.at(each.name));
    });
  }
  printf("%d attacks killed plain weston\n", deaths);
  so_far.expect(deaths > 0, "no attack killed plain weston, so that nothing was tested");
  if (!so_far.passed()) print_end_of(folder.log());
  return so_far.passed();
}

constexpr const char* usage =
    R"(weston_test [--wrapper "COMMAND..."] [--rescue] [--renderer pixman|gl]... [--attack NAME]...

Without a wrapper: only what happens to plain weston. --rescue: the wrapper keeps weston's own handler out, so that
attackers may stay. attacker --list names the attacks. Exit status 0 passed, 1 not, 77 no weston here.
)";

// False when it is not what the usage says.
bool parse(int argc, char** argv, options& wanted) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--rescue") {
      wanted.rescue = true;
      continue;
    }
    if (++i == argc) return false;
    if (name == "--wrapper") {
      wanted.wrapper = words(argv[i]);
    } else if (name == "--renderer") {
      wanted.renderers.emplace_back(argv[i]);
    } else if (name == "--attack") {
      wanted.attacks.emplace_back(argv[i]);
    } else {
      return false;
    }
  }
  if (wanted.renderers.empty()) wanted.renderers = {"pixman", "gl"};
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  options wanted;
  if (!parse(argc, argv, wanted)) {
    fputs(usage, stderr);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  if (system("command -v weston >/dev/null") != 0) {
    puts("no weston");
    return 77;
  }
  try {
    return run(wanted) ? 0 : 1;
  } catch (const std::exception& error) {
    printf("%s\n", error.what());
    return 1;
  }
}
