// SPDX-License-Identifier: MIT
#include "supervisor.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "report.h"

namespace storms {

namespace {

using clock_type = std::chrono::steady_clock;

double since(clock_type::time_point begin) {
  return std::chrono::duration<double>(clock_type::now() - begin).count();
}

// Without a fault for so long it is taken for dead; the machine may be busy.
constexpr double seconds_of_silence = 300;
constexpr uint64_t most_deaths = 3;

// One mechanism, with the processes that it takes: another one after each that died.
class job {
 public:
  job(const mechanism& what, uint64_t faults, double seconds, uint64_t seed)
      : what_(what), seconds_(seconds), seed_(seed) {
    line_.wanted = faults;
    descriptor_ = memfd_create("storm", 0);  // inherited by programs, too
    void* const memory =
        ftruncate(descriptor_, sizeof(counters)) == 0
            ? mmap(nullptr, sizeof(counters), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0)
            : MAP_FAILED;
    if (memory == MAP_FAILED) abort();
    counters_ = static_cast<counters*>(memory);
  }

  bool idle() const { return child_ == 0 && !done_; }
  bool running() const { return child_ != 0; }

  void start() {
    if (line_.threads == 0) begin_ = clock_type::now();
    line_.threads = what_.threads;
    seed_ += 1'000'003 * line_.deaths;
    counters_->faults = 0;
    heard_ = clock_type::now();
    heard_faults_ = 0;
    fflush(nullptr);
    child_ = fork();
    if (child_ == 0) live();
  }

  // Looks after it.
  void watch() {
    if (!running()) return;
    const uint64_t now = counters_->faults.load(std::memory_order_relaxed);
    if (now != heard_faults_) {
      heard_faults_ = now;
      heard_ = clock_type::now();
    } else if (since(heard_) > seconds_of_silence) {
      fprintf(stderr, "storm: %s, seed %lu: nothing happens any more\n", what_.name, seed_);
      kill(child_, SIGKILL);
    }
    int status = 0;
    if (waitpid(child_, &status, WNOHANG) == child_) end(status);
  }

  // As it is now.
  row line() const {
    row now = line_;
    now.name = what_.name;
    now.what = what_.what;
    now.faults += running() ? counters_->faults.load(std::memory_order_relaxed) : 0;
    now.signals = counters_->signals.load(std::memory_order_relaxed);
    now.wrong = counters_->wrong.load(std::memory_order_relaxed);
    now.leaks = counters_->leaks.load(std::memory_order_relaxed);
    now.stranger = counters_->stranger.load(std::memory_order_relaxed);
    if (running()) now.seconds = since(begin_);
    return now;
  }

 private:
  [[noreturn]] void live() {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    g_counters = counters_;
    g_seed = seed_;
    if (what_.become != nullptr) {
      setenv("NOSIGBUS_STORM_COUNTERS", std::to_string(descriptor_).c_str(), 1);
      setenv("NOSIGBUS_STORM_SEED", std::to_string(seed_).c_str(), 1);
      what_.become(line_.wanted, seconds_);
      perror(what_.name);
      _exit(127);
    }
    _exit(storms::run(what_, line_.wanted - std::min(line_.wanted, line_.faults), seconds_));
  }

  void end(int status) {
    child_ = 0;
    line_.faults += counters_->faults.load(std::memory_order_relaxed);
    line_.seconds = since(begin_);
    done_ = status == 0;
    if (done_) return;
    ++line_.deaths;
    fprintf(stderr, "storm: %s, seed %lu: %s %d\n", what_.name, seed_,
            WIFSIGNALED(status) ? "killed by signal" : "ended with status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    done_ = line_.deaths == most_deaths;
  }

  const mechanism what_;
  const double seconds_;
  uint64_t seed_;
  int descriptor_;
  counters* counters_;
  row line_;
  pid_t child_ = 0;
  bool done_ = false;
  clock_type::time_point begin_, heard_;
  uint64_t heard_faults_ = 0;
};

std::vector<job> make_jobs(const plan& what, const std::vector<mechanism>& all, unsigned at_once) {
  // Those that run by the clock come on top.
  uint64_t shares = 0;
  for (const mechanism& each : all) shares += each.by_the_clock ? 0 : each.share;
  shares = std::max<uint64_t>(shares, 1);
  const double turns = std::max(1.0, static_cast<double>(all.size()) / at_once);
  double seconds = what.soak;
  if (seconds == 0) seconds = what.seconds == 0 ? 1e9 : what.seconds / turns;
  std::vector<job> jobs;
  jobs.reserve(all.size());
  for (const mechanism& each : all) {
    const uint64_t faults = what.soak != 0 ? UINT64_MAX / 2 : what.faults * each.share / shares;
    jobs.emplace_back(each, faults, seconds, what.seed);
  }
  return jobs;
}

}  // namespace

int supervise(const plan& what, const std::vector<mechanism>& all) {
  unsigned at_once = what.jobs != 0 ? what.jobs : std::thread::hardware_concurrency();
  if (what.soak != 0) at_once = static_cast<unsigned>(all.size());
  std::vector<job> jobs = make_jobs(what, all, at_once);
  const auto begin = clock_type::now();
  progress lines(what.soak != 0 ? 0 : what.faults, what.soak);
  for (double next = 10;;) {
    unsigned running = 0;
    for (job& each : jobs) {
      each.watch();
      running += each.running();
    }
    // From the end, where those are that take long.
    for (auto each = jobs.rbegin(); each != jobs.rend(); ++each) {
      if (running >= at_once || !each->idle()) continue;
      each->start();
      ++running;
    }
    std::vector<row> rows;
    for (const job& each : jobs) rows.push_back(each.line());
    if (running == 0) return conclude(rows, since(begin), what.table);
    if (since(begin) >= next) {
      std::vector<bool> busy;
      for (const job& each : jobs) busy.push_back(each.running());
      lines.print(rows, busy, since(begin));
      next += 10;
    }
    usleep(20'000);
  }
}

}  // namespace storms
