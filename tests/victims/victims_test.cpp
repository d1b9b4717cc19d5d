// SPDX-License-Identifier: MIT
//
// Real programs, unmodified, plain and below nosigbus-run: what kills the plain one is an error message, or
// less, of the other.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string_view>

#include "victims.h"

namespace {

using namespace victims_test;

const std::vector<victim>& victims() {
  static const std::vector<victim> all{
      {"python3 mmap", {"python3"}, play_python, -1, 0, "end of input"},
      {"sqlite3 mmap_size", {"sqlite3"}, play_sqlite, -1, 11, "malformed"},
      {"ripgrep --mmap", {"rg"}, play_ripgrep, -1, 0},
      {"git pack", {"git"}, play_git_pack, -1, 0, "error: "},
      {"git pack index", {"git"}, play_git_index, -1, 0, " missing"},
      {"ld.lld input", {"ld.lld"}, play_lld, 128 + SIGBUS, 1, "error: "},
      {"ld.lld input, rescue", {"ld.lld"}, play_lld, 128 + SIGBUS, 1, "error: ", {"--own-handler=rescue"}},
  };
  return all;
}

bool in_path(const std::string& program) {
  const char* const path = getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// What is wrong with how the plain one ended; empty if nothing is.
std::string judge_plain(const victim& of, const scene& played) {
  if (played.end.outcome == test::killed_by(SIGBUS)) return "";
  if (of.own_status >= 0 && played.end.outcome == test::exited(of.own_status)) return "";
  // Where it got before the attack matters now.
  return "plain: no SIGBUS, but " + played.end.how + " " + played.complaint;
}

std::string judge_wrapped(const victim& of, const scene& played) {
  const ending& end = played.end;
  if (end.outcome != test::exited(of.status)) return "wrapped: " + end.how;
  if (!contains(end.output + end.errors, of.says))
    return "wrapped: does not say '" + std::string(of.says) + "'";
  if (!played.complaint.empty()) return "wrapped: " + played.complaint;
  if (!contains(end.report, played.attacked)) return "the report does not name " + played.attacked;
  return "";
}

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  const size_t begin = text.find_last_of('\n', end) + 1;
  return text.substr(begin, std::min<size_t>(end + 1 - begin, 100));
}

void print_row(const victim& of, const char* mode, const ending& end) {
  printf("%-22s %-8s %-20s %s\n", of.name, mode, end.how.c_str(), last_line(end.errors).c_str());
  fflush(stdout);
}

bool passes(const victim& of, const std::string& runner) {
  const scene plain = of.play(stage({}));
  print_row(of, "plain", plain.end);
  std::vector<std::string> wrapper{runner, "--scope=files", "--report=json"};
  wrapper.insert(wrapper.end(), of.options.begin(), of.options.end());
  const scene wrapped = of.play(stage(wrapper));
  print_row(of, "wrapped", wrapped.end);
  bool good = true;
  for (const std::string& what : {judge_plain(of, plain), judge_wrapped(of, wrapped)}) {
    if (what.empty()) continue;
    printf("VIOLATION: %s: %s\n", of.name, what.c_str());
    good = false;
  }
  if (!good) printf("errors:\n%s\nreport:\n%s\n", wrapped.end.errors.c_str(), wrapped.end.report.c_str());
  return good;
}

bool playable(const victim& of) {
  for (const std::string& program : of.programs) {
    if (in_path(program)) continue;
    printf("%-22s skipped: no %s\n", of.name, program.c_str());
    return false;
  }
  return true;
}

}  // namespace

// victims_test NOSIGBUS-RUN [NAME]: exit status 0 passed, 1 not, 77 none of the programs is here.
int main(int argc, char** argv) {
  if (argc < 2) return 2;
  signal(SIGPIPE, SIG_IGN);
  int played = 0, failed = 0;
  for (const victim& each : victims()) {
    if (argc > 2 && std::string_view(each.name) != argv[2]) continue;
    if (!playable(each)) continue;
    ++played;
    try {
      failed += !passes(each, argv[1]);
    } catch (const std::exception& error) {
      printf("VIOLATION: %s: %s\n", each.name, error.what());
      ++failed;
    }
  }
  if (played == 0) return 77;
  return failed == 0 ? 0 : 1;
}
