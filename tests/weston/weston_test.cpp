// SPDX-License-Identifier: MIT
//
// Every attack against weston as it is, and against weston below a wrapper that promises to protect it. By
// itself weston survives what libwayland's own SIGBUS handler knows, and ends the attacker's connection; the
// rest kills it. The wrapped one has to survive everything, and still to end every connection that it ended
// by itself.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attacks.h"
#include "server.h"

namespace {

using namespace weston_test;

struct options {
  std::vector<std::string> wrapper, renderers, attacks;

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
    if (!current) current.emplace(folder, renderer, wrapper);
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

void judge(verdict& so_far, const std::string& what, const result& plain, const result& wrapped) {
  so_far.expect(!wrapped.died(), what + ": wrapped weston " + wrapped.server);
  so_far.expect(wrapped.neighbour_intact(), what + ": the neighbour of wrapped weston: " + wrapped.neighbour);
  so_far.expect(!plain.attacker_is("disconnected") || plain.died() || wrapped.attacker_is("disconnected"),
                what + ": the attacker is tolerated");
  so_far.expect(wrapped.attacker_is("disconnected") || wrapped.attacker_is("stayed") ||
                    (plain.attacker_is("skipped") && wrapped.attacker_is("skipped")),
                what + ": the attacker " + wrapped.attacker);
  so_far.expect(wrapped.attacker.find(pixels_lost) == std::string::npos, what + ": " + pixels_lost);
}

void judge_honest(verdict& so_far, const std::string& what, const result& row) {
  so_far.expect(row.attacker == std::string("stayed ") + pixels_back,
                what + ": an honest client " + row.attacker);
  so_far.expect(!row.died() && row.neighbour_intact(), what + ": without an attack");
}

bool run(const options& wanted) {
  verdict so_far;
  const runtime_folder folder;
  int deaths = 0;
  for (const std::string& renderer : wanted.renderers) {
    const results plain = play_all(wanted, folder, renderer, {});
    for (const auto& [name, row] : plain) deaths += row.died();
    if (plain.contains(honest_name)) judge_honest(so_far, renderer + " plain", plain.at(honest_name));
    if (wanted.wrapper.empty()) continue;
    const results wrapped = play_all(wanted, folder, renderer, wanted.wrapper);
    if (wrapped.contains(honest_name)) judge_honest(so_far, renderer + " wrapped", wrapped.at(honest_name));
    for (const auto& [name, row] : wrapped) judge(so_far, renderer + " " + name, plain.at(name), row);
  }
  printf("%d attacks killed plain weston\n", deaths);
  so_far.expect(deaths > 0, "no attack killed plain weston, so that nothing was tested");
  return so_far.passed();
}

std::vector<std::string> words(const char* text) {
  std::vector<std::string> result;
  for (const char* at = text; *(at += strspn(at, " ")) != '\0';) {
    const size_t length = strcspn(at, " ");
    result.emplace_back(at, length);
    at += length;
  }
  return result;
}

constexpr const char* usage =
    R"(weston_test [--wrapper "COMMAND..."] [--renderer pixman|gl]... [--attack NAME]...

Without a wrapper: only what happens to plain weston. attacker --list names the attacks.
Exit status 0 passed, 1 not, 77 no weston here.
)";

}  // namespace

int main(int argc, char** argv) {
  options wanted;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--wrapper") == 0) wanted.wrapper = words(argv[i + 1]);
    if (strcmp(argv[i], "--renderer") == 0) wanted.renderers.emplace_back(argv[i + 1]);
    if (strcmp(argv[i], "--attack") == 0) wanted.attacks.emplace_back(argv[i + 1]);
  }
  if (argc % 2 == 0) {
    fputs(usage, stderr);
    return 2;
  }
  if (wanted.renderers.empty()) wanted.renderers = {"pixman", "gl"};
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
