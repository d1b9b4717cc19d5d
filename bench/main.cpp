// SPDX-License-Identifier: MIT
//
// nosigbus-bench: runs the pairs, prints the table, writes it as CSV.
#include <regex.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "pairs.h"

namespace bench {

namespace {

std::vector<pair>& pairs() {
  static std::vector<pair> all;
  return all;
}

struct group_goals {
  std::string name;
  double mean, worst;
};
std::vector<group_goals>& groups() {
  static std::vector<group_goals> all;
  return all;
}

// Keeps the time of each repetition, and shows that something happens.
class collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred) {
        fprintf(stderr, "%s: %s\n", run.benchmark_name().c_str(), run.error_message.c_str());
        failed_ = true;
      }
      if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
      times_[run.run_name.function_name].push_back(run.GetAdjustedRealTime());
      if (isatty(STDERR_FILENO) != 0) fprintf(stderr, "\r\033[K%s", run.run_name.function_name.c_str());
    }
  }
  void Finalize() override {
    if (isatty(STDERR_FILENO) != 0) fprintf(stderr, "\r\033[K");
  }

  double median(const std::string& name) const {
    const auto found = times_.find(name);
    if (found == times_.end()) return NAN;
    std::vector<double> sorted = found->second;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
  // Whether a row could not be measured.
  bool failed() const { return failed_; }

 private:
  bool failed_ = false;
  std::map<std::string, std::vector<double>> times_;
};

struct row {
  std::string name, peer;
  double ours, theirs, ratio, goal;
};

std::vector<row> rows_of(const collector& results) {
  std::vector<row> rows;
  std::map<std::string, std::vector<double>> ratios;
  for (const pair& p : pairs()) {
    const double ours = results.median(p.name + "|ours"), theirs = results.median(p.name + "|" + p.peer);
    if (std::isnan(ours) || std::isnan(theirs)) continue;
    rows.push_back({p.name, p.peer, ours, theirs, theirs / ours, p.goal});
    if (!p.group.empty()) ratios[p.group].push_back(theirs / ours);
  }
  for (const group_goals& g : groups()) {
    const std::vector<double>& all = ratios[g.name];
    if (all.empty()) continue;
    double logs = 0;
    for (const double ratio : all) logs += std::log(ratio);
    rows.push_back({g.name + ", geometric mean", "", NAN, NAN,
                    std::exp(logs / static_cast<double>(all.size())), g.mean});
    rows.push_back({g.name + ", worst", "", NAN, NAN, *std::min_element(all.begin(), all.end()), g.worst});
  }
  return rows;
}

const char* met(const row& r) { return r.goal == 0 ? "" : r.ratio >= r.goal ? "yes" : "no"; }

void print_table(const std::vector<row>& rows) {
  printf("%-52s %14s  %-24s %14s %7s %6s %s\n", "name", "ours ns", "peer", "peer ns", "ratio", "goal", "met");
  for (const row& r : rows) {
    if (std::isnan(r.ours)) {
      printf("%-52s %14s  %-24s %14s", r.name.c_str(), "", "", "");
    } else {
      printf("%-52s %14.2f  %-24s %14.2f", r.name.c_str(), r.ours, r.peer.c_str(), r.theirs);
    }
    printf(" %7.2f ", r.ratio);
    if (r.goal != 0) {
      printf("%6.2f %s\n", r.goal, met(r));
    } else {
      printf("\n");
    }
  }
}

bool write_csv(const std::vector<row>& rows, const char* path) {
  FILE* const out = fopen(path, "w");
  if (out == nullptr) {
    perror(path);
    return false;
  }
  fprintf(out, "name,ours_ns,peer,peer_ns,ratio,goal,met\n");
  for (const row& r : rows) {
    const bool summary = std::isnan(r.ours);
    fprintf(out, "\"%s\",", r.name.c_str());
    if (!summary) fprintf(out, "%.3f", r.ours);
    fprintf(out, ",\"%s\",", r.peer.c_str());
    if (!summary) fprintf(out, "%.3f", r.theirs);
    fprintf(out, ",%.4f,", r.ratio);
    if (r.goal != 0) fprintf(out, "%.2f", r.goal);
    fprintf(out, ",%s\n", met(r));
  }
  return fclose(out) == 0;
}

// What --benchmark_filter asks for, as the framework reads it.
class filter {
 public:
  filter() {
    const std::string given = benchmark::GetBenchmarkFilter();
    const char* const text = given.empty() || given == "all" ? "." : given.c_str();
    inverted_ = text[0] == '-';
    if (regcomp(&regex_, text + (inverted_ ? 1 : 0), REG_EXTENDED | REG_NOSUB) == 0) return;
    fprintf(stderr, "not a regular expression: %s\n", text);
    exit(2);
  }
  ~filter() { regfree(&regex_); }
  filter(const filter&) = delete;
  filter& operator=(const filter&) = delete;

  bool wants(const std::string& name) const {
    return (regexec(&regex_, name.c_str(), 0, nullptr, 0) == 0) != inverted_;
  }

 private:
  regex_t regex_{};
  bool inverted_;
};

void add_side(const pair& p, const std::string& side, const body& f) {
  const std::string name = p.name + "|" + side;
  benchmark::internal::Benchmark* const added = benchmark::RegisterBenchmark(name.c_str(), f);
  if (p.taken == clock::inside) added->UseManualTime();
}

// Both sides in turns, with nothing else in between: what the machine does meanwhile, it does to both.
void perform(const pair& p, collector& results) {
  add_side(p, "ours", p.ours);
  add_side(p, p.peer, p.theirs);
  benchmark::RunSpecifiedBenchmarks(&results);
  benchmark::ClearRegisteredBenchmarks();
}

// Measures the rows that belong on this stage.
void perform(const stage* on, const filter& asked, collector& results) {
  bool entered = false;
  for (const pair& p : pairs()) {
    if (p.on != on || !(asked.wants(p.name + "|ours") || asked.wants(p.name + "|" + p.peer))) continue;
    if (on != nullptr && !entered) on->enter();
    entered = true;
    perform(p, results);
  }
  if (on != nullptr && entered) on->leave();
}

void perform_all(collector& results) {
  const filter asked;
  std::vector<const stage*> stages{nullptr};
  for (const pair& p : pairs()) {
    if (std::find(stages.begin(), stages.end(), p.on) == stages.end()) stages.push_back(p.on);
  }
  for (const stage* on : stages) perform(on, asked, results);
}

}  // namespace

void run(benchmark::State& state, function f, uintptr_t a, uintptr_t b, uintptr_t c) {
  for (auto _ : state) {
    f(a, b, c);
    benchmark::ClobberMemory();
  }
}

void add(pair p) { pairs().push_back(std::move(p)); }

void add_group(const std::string& name, double mean_goal, double worst_goal) {
  groups().push_back({name, mean_goal, worst_goal});
}

}  // namespace bench

int main(int argc, char** argv) {
  const char* csv = nullptr;
  std::vector<char*> arguments{argv[0]};
  static char interleave[] = "--benchmark_enable_random_interleaving=true",
              repetitions[] = "--benchmark_repetitions=9", time[] = "--benchmark_min_time=0.01";
  arguments.insert(arguments.end(), {interleave, repetitions, time});
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--csv") == 0 && i + 1 < argc) {
      csv = argv[++i];
    } else {
      arguments.push_back(argv[i]);
    }
  }
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  bench::collector results;
  bench::perform_all(results);
  const std::vector<bench::row> rows = bench::rows_of(results);
  bench::print_table(rows);
  if (csv != nullptr && !bench::write_csv(rows, csv)) return 1;
  return results.failed() ? 1 : 0;
}
