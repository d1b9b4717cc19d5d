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
#include <set>
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
      if (run.error_occurred) note_error(run);
      if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
      times_[run.run_name.function_name].push_back(run.GetAdjustedRealTime());
      if (isatty(STDERR_FILENO) != 0) fprintf(stderr, "\r\033[K%s", run.run_name.function_name.c_str());
    }
  }
  void Finalize() override {
    if (isatty(STDERR_FILENO) != 0) fprintf(stderr, "\r\033[K");
  }

  // Why this was not measured; empty if it was.
  std::string why_not(const std::string& name) const {
    const auto found = not_available_.find(name);
    return found == not_available_.end() ? "" : found->second;
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
  void note_error(const Run& run) {
    if (run.error_message.rfind("n/a: ", 0) == 0) {
      not_available_[run.run_name.function_name] = run.error_message;
      return;
    }
    fprintf(stderr, "%s: %s\n", run.benchmark_name().c_str(), run.error_message.c_str());
    failed_ = true;
  }

  bool failed_ = false;
  std::map<std::string, std::vector<double>> times_;
  std::map<std::string, std::string> not_available_;
};

struct row {
  std::string name, peer;
  double ours, theirs, ratio, goal;
  // Of a work that several do: those who want it done pick the faster.
  bool choice = false;
  std::string not_available = {};
};

const std::string& work_of(const pair& p) { return p.work.empty() ? p.name : p.work; }
std::string our_side(const pair& p) { return work_of(p) + "|" + p.ours_name; }
std::string their_side(const pair& p) { return work_of(p) + "|" + p.peer; }

std::vector<row> rows_of(const collector& results) {
  std::vector<row> rows;
  std::map<std::string, std::vector<double>> ratios;
  for (const pair& p : pairs()) {
    const double ours = results.median(our_side(p)), theirs = results.median(their_side(p));
    std::string why = results.why_not(our_side(p));
    if (why.empty()) why = results.why_not(their_side(p));
    if ((std::isnan(ours) || std::isnan(theirs)) && why.empty()) continue;
    rows.push_back({p.name, p.peer, ours, theirs, theirs / ours, p.goal, !p.work.empty(), why});
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

const char* met(const row& r) {
  if (!r.not_available.empty()) return r.not_available.c_str();
  return r.goal == 0 ? "" : r.ratio >= r.goal ? "yes" : "no";
}
bool peer_wins(const row& r) { return r.choice && r.ratio < r.goal; }

void print_time(double ns) {
  if (std::isnan(ns)) {
    printf("%14s", "");
  } else {
    printf("%14.2f", ns);
  }
}

void print_row(const row& r) {
  printf("%-52s ", r.name.c_str());
  print_time(r.ours);
  printf("  %-24s ", r.peer.c_str());
  if (!r.not_available.empty()) {
    printf("%14s\n", r.not_available.c_str());
    return;
  }
  print_time(r.theirs);
  printf(" %7.2f ", r.ratio);
  if (r.goal != 0) {
    printf("%6.2f %s%s\n", r.goal, met(r), peer_wins(r) ? ", peer wins" : "");
  } else {
    printf("\n");
  }
}

void print_table(const std::vector<row>& rows) {
  printf("%-52s %14s  %-24s %14s %7s %6s %s\n", "name", "ours ns", "peer", "peer ns", "ratio", "goal", "met");
  for (const row& r : rows) print_row(r);
  const auto choices = std::count_if(rows.begin(), rows.end(), [](const row& r) { return r.choice; });
  const auto lost = std::count_if(rows.begin(), rows.end(), peer_wins);
  if (choices > 0) printf("the peer wins %td of %td\n", lost, choices);
}

void write_row(FILE* out, const row& r) {
  const bool measured = r.not_available.empty();
  fprintf(out, "\"%s\",", r.name.c_str());
  if (!std::isnan(r.ours)) fprintf(out, "%.3f", r.ours);
  fprintf(out, ",\"%s\",", r.peer.c_str());
  if (!std::isnan(r.theirs)) fprintf(out, "%.3f", r.theirs);
  fprintf(out, ",");
  if (measured) fprintf(out, "%.4f", r.ratio);
  fprintf(out, ",");
  if (r.goal != 0) fprintf(out, "%.2f", r.goal);
  fprintf(out, measured ? ",%s\n" : ",\"%s\"\n", met(r));
}

bool write_csv(const std::vector<row>& rows, const char* path) {
  FILE* const out = fopen(path, "w");
  if (out == nullptr) {
    perror(path);
    return false;
  }
  fprintf(out, "name,ours_ns,peer,peer_ns,ratio,goal,met\n");
  for (const row& r : rows) write_row(out, r);
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
  benchmark::internal::Benchmark* const added = benchmark::RegisterBenchmark(side.c_str(), f);
  if (p.taken == clock::inside) added->UseManualTime();
  if (p.iterations != 0) added->Iterations(p.iterations);
  if (p.repetitions != 0) added->Repetitions(p.repetitions);
}

// All sides in turns, with nothing else in between: what the machine does meanwhile, it does to all of them.
void perform(const std::vector<const pair*>& work, collector& results) {
  std::set<std::string> added;
  for (const pair* p : work) {
    if (added.insert(our_side(*p)).second) add_side(*p, our_side(*p), p->ours);
    if (added.insert(their_side(*p)).second) add_side(*p, their_side(*p), p->theirs);
  }
  benchmark::RunSpecifiedBenchmarks(&results);
  benchmark::ClearRegisteredBenchmarks();
}

// Measures the rows that belong on this stage.
void perform(const stage* on, const filter& asked, collector& results) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const pair*>> works;
  for (const pair& p : pairs()) {
    if (p.on != on || !(asked.wants(our_side(p)) || asked.wants(their_side(p)))) continue;
    std::vector<const pair*>& work = works[work_of(p)];
    if (work.empty()) order.push_back(work_of(p));
    work.push_back(&p);
  }
  if (order.empty()) return;
  if (on != nullptr) on->enter();
  for (const std::string& work : order) perform(works[work], results);
  if (on != nullptr) on->leave();
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
