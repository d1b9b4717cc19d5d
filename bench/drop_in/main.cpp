// SPDX-License-Identifier: MIT
//
// nosigbus-bench-drop-in [--csv FILE] [--filter TEXT]: the rows, as a table and as CSV.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>

#include "measure.h"

namespace {

using namespace drop_in_bench;

struct options {
  const char* csv = nullptr;
  std::string filter;
};

bool parse(int argc, char** argv, options& out) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    if (i + 1 == argc || (name != "--csv" && name != "--filter")) return false;
    if (name == "--csv") out.csv = argv[i + 1];
    if (name == "--filter") out.filter = argv[i + 1];
  }
  return true;
}

std::string goal_of(const row& of) {
  char text[32] = "";
  if (of.most_ratio != 0) snprintf(text, sizeof text, "%.2f", of.most_ratio);
  if (of.most_more_ns != 0) snprintf(text, sizeof text, "+%.1f ms", of.most_more_ns / 1e6);
  return text;
}

const char* met(const row& of, const figures& found) {
  if (of.most_ratio == 0 && of.most_more_ns == 0) return "";
  const bool kept = (of.most_ratio == 0 || found.ratio <= of.most_ratio) &&
                    (of.most_more_ns == 0 || found.more_ns <= of.most_more_ns);
  return kept ? "yes" : "no";
}

void run(const options& asked, const std::string& folder, FILE* csv) {
  printf("%-36s %14s %14s %7s %12s %8s %s\n", "name", "with ns", "without ns", "ratio", "more ns", "goal",
         "met");
  if (csv != nullptr) fprintf(csv, "name,with_ns,without_ns,ratio,more_ns,goal,met\n");
  for (const row& each : rows(folder)) {
    if (each.name.find(asked.filter) == std::string::npos) continue;
    const figures found = measure(each);
    const std::string goal = goal_of(each);
    printf("%-36s %14.0f %14.0f %7.3f %12.0f %8s %s\n", each.name.c_str(), found.with_ns, found.without_ns,
           found.ratio, found.more_ns, goal.c_str(), met(each, found));
    fflush(stdout);
    if (csv == nullptr) continue;
    fprintf(csv, "\"%s\",%.1f,%.1f,%.4f,%.1f,%s,%s\n", each.name.c_str(), found.with_ns, found.without_ns,
            found.ratio, found.more_ns, goal.c_str(), met(each, found));
  }
}

}  // namespace

int main(int argc, char** argv) {
  options asked;
  if (!parse(argc, argv, asked)) return 2;
  FILE* const csv = asked.csv != nullptr ? fopen(asked.csv, "w") : nullptr;
  char folder[] = "/tmp/bench-drop-in.XXXXXX";
  if ((asked.csv != nullptr && csv == nullptr) || mkdtemp(folder) == nullptr) {
    perror("nosigbus-bench-drop-in");
    return 1;
  }
  int status = 0;
  try {
    run(asked, folder, csv);
  } catch (const std::exception& error) {
    fprintf(stderr, "%s\n", error.what());
    status = 1;
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return csv != nullptr && fclose(csv) != 0 ? 1 : status;
}
