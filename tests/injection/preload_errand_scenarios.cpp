// SPDX-License-Identifier: MIT
//
// What the drop-in does beside the mapping that has faulted: where it has descriptors, what it notes.
#include <sys/resource.h>

#include <atomic>
#include <thread>

#include "preload_scenarios.h"
#include "program_mapping.h"
#include "run/journal_client.h"

namespace test {

namespace {

// As long as it lives the program is one of several threads.
// The other one makes no system call.
class second_thread {
 public:
  second_thread() {
    while (!begun_.load()) {
    }
  }
  ~second_thread() {
    over_.store(true);
    thread_.join();
  }
  second_thread(const second_thread&) = delete;
  second_thread& operator=(const second_thread&) = delete;

 private:
  std::atomic<bool> begun_{false}, over_{false};
  std::thread thread_{[this] {
    begun_.store(true);
    while (!over_.load()) {
    }
  }};
};

// As long as it lives the program has no right to another descriptor.
class no_descriptors {
 public:
  no_descriptors() {
    CHILD_CHECK(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit none{0, before_.rlim_max};
    CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~no_descriptors() { CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &before_) == 0); }

 private:
  rlimit before_;
};

template <class Circumstance>
void add_errand(std::vector<scenario>& all, const std::string& where) {
  for (const bool of_errand : {false, true}) {
    const auto play = [of_errand](stage& on) {
      program_mapping what(false);
      what.cut_off();
      {
        const Circumstance now;
        on.observe(answers{touch_right, {touch_declined}}, [&] {
          const int answer = what.touch_missing();
          // The healer has begun, too.
          if (of_errand) holds_within(30, [] { return false; });
          return answer;
        });
      }
      CHILD_CHECK(what.touch_missing() == touch_right);
      CHILD_CHECK(what.front_is_right(on));
    };
    const std::string name = "fault: its errands run in " + where;
    all.push_back({of_errand ? name + ": there" : name, {"a fault below the drop-in"}, play, 0, false});
    if (!of_errand) continue;
    all.back().rows.push_back("the healer's thread");
    all.back().other_threads = true;
  }
}

using nosigbus::preload::journal;
using nosigbus::preload::journal_record;

const journal_record* record_of(const journal& all, const program_mapping& what) {
  for (const journal_record& each : all.records) {
    if (each.state.load() == journal_record::complete && each.pid == getpid() && each.inode == what.inode())
      return &each;
  }
  return nullptr;
}

// Every fault is in the journal, or counted as one that is not.
void fault_and_read_journal(stage& on) {
  const journal* const all = open_journal();
  CHILD_CHECK(all != nullptr);
  program_mapping what(false);
  what.cut_off();
  const uint32_t lost = all->lost.load();
  on.observe(answers{touch_right, {touch_declined}}, [&] { return what.touch_missing(); });
  CHILD_CHECK(what.touch_missing() == touch_right);
  const journal_record* const found = record_of(*all, what);
  CHILD_CHECK(found != nullptr || all->lost.load() != lost);
  if (found != nullptr) {
    CHILD_CHECK(found->faults.load() >= 1);
    CHILD_CHECK(found->faults.load() == found->zeros.load() + found->passed.load());
    CHILD_CHECK(found->damaged.load() == journal_record::damaged_now);
    CHILD_CHECK(on.failing() || (found->time != 0 && found->tid == getpid() && found->program[0] != '\0'));
  }
  CHILD_CHECK(munmap(const_cast<journal*>(all), sizeof *all) == 0);
}

}  // namespace

std::vector<scenario> preload_errand_scenarios() {
  std::vector<scenario> all;
  add_errand<second_thread>(all, "a thread");
  add_errand<no_descriptors>(all, "a process");
  return all;
}

std::vector<scenario> preload_journal_scenarios() {
  scenario noted{"fault: noted", {"the same, below `nosigbus-run`"}, fault_and_read_journal, 0, false};
  noted.wakes_others = true;
  return {noted};
}

}  // namespace test
