// SPDX-License-Identifier: MIT
//
// Everything at once, for as long as NOSIGBUS_TEST_SECONDS wants it: threads that read and write regions,
// make them, move them and release them, while another process cuts their files off, punches holes and lets
// them grow. Nobody may die, no live byte be wrong, no mapping or descriptor be left behind, and nothing that
// is mapped where a region was may change. Signals arrive all the time, whose handlers fault, too.
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "storm/mechanism.h"
#include "storm/scene.h"
#include "storm/stranger.h"
#include "support/hostile.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"
#include "support/pester.h"

using namespace storm;
using test::origin;
using test::shared_file;

namespace {

constexpr int readers = 4, writers = 2, mappers = 2;
constexpr size_t most_vmas_permitted = 8;  // of a region

using clock_type = std::chrono::steady_clock;
double since(clock_type::time_point begin) {
  return std::chrono::duration<double>(clock_type::now() - begin).count();
}

subject make_subject(shared_file& file, origin how, bool writable) {
  const int prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  const unsigned flags = writable ? NOSIGBUS_DISCARD_WRITES : 0u;
  return {file, writable, test::make_region(how, file, file.size(), prot, flags)};
}

// What must not become more.
struct belongings {
  size_t vmas, descriptors;
};

// Stops everything, makes everything whole, and looks.
belongings take_stock(scene& on, const test::hostile_process& hostile) {
  on.stop_and_go.close();
  hostile.pause();
  for (shared_file* const file : on.files) file->resize(file_pages * page);
  for (subject& s : on.subjects) {
    if (s.region.refresh() != 1) fail("a region is not whole again");
    if (test::vmas_in(s.region) != 1) fail("a whole region has %zu VMAs", test::vmas_in(s.region));
    for (size_t i = 0; i < s.region.size(); ++i) check_byte(s.region, i, s.writable);
  }
  return {test::count_vmas(), test::count_descriptors()};
}

class report {
 public:
  void interval(const scene& on, const belongings& now, size_t most_vmas) {
    const auto stats = nosigbus::stats();
    const uint64_t faults = stats.absorbed;
    const double seconds = since(begin_);
    printf(
        "%5.0f s: %lu faults, %.0f/s, %lu overlays; %lu regions made and released; %lu canaries, looked at "
        "%lu times (%lu "
        "places taken by others); VMAs: at most %zu of a region, %zu of all; %zu descriptors\n",
        seconds, faults, static_cast<double>(faults - faults_) / (seconds - seconds_), stats.overlays,
        on.made.load(), on.canaries.load(), on.checks.load(), on.refused.load(), most_vmas, now.vmas,
        now.descriptors);
    fflush(stdout);
    if (counters_ != nullptr) {
      counters_->faults.store(faults, std::memory_order_relaxed);
      counters_->signals.store(test::pester::g_signals, std::memory_order_relaxed);
    }
    faults_ = faults;
    seconds_ = since(begin_);
  }

 private:
  const clock_type::time_point begin_ = clock_type::now();
  storms::counters* const counters_ = storms::inherited_counters();
  uint64_t faults_ = 0;
  double seconds_ = 0;
};

// Lets the storm rage, and watches how many mappings it makes of a region.
void watch(const scene& on, double seconds, size_t& most_vmas) {
  for (const clock_type::time_point begin = clock_type::now(); since(begin) < seconds; usleep(20000)) {
    for (const subject& s : on.subjects) {
      most_vmas = std::max(most_vmas, test::vmas_in(s.region));
      if (most_vmas > most_vmas_permitted) fail("%zu VMAs in a region", most_vmas);
    }
  }
}

void rage(scene& on, const test::hostile_process& hostile, double seconds) {
  const double step = std::min(10.0, seconds / 3);
  report lines;
  size_t most_vmas = 0;
  belongings first{};
  const clock_type::time_point begin = clock_type::now();
  // Taking stock takes long where the processors are busy.
  for (bool last = false; !last; on.stop_and_go.open(last)) {
    watch(on, step, most_vmas);
    const belongings now = take_stock(on, hostile);
    lines.interval(on, now, most_vmas);
    // What the library keeps for later is there after the first round.
    last = first.descriptors != 0 && since(begin) > seconds - step / 2;
    if (first.descriptors == 0) first = now;
    if (now.vmas > first.vmas) fail("%zu VMAs have become %zu", first.vmas, now.vmas);
    if (now.descriptors != first.descriptors) {
      fail("%zu descriptors have become %zu", first.descriptors, now.descriptors);
    }
    hostile.resume();
  }
}

int live_through(double seconds) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Guarded copies meet what is not mapped any more.
  test::enter_by(test::entry::installed, NOSIGBUS_CATCH_SEGV);
  shared_file a(file_pages * page), b(file_pages * page), c(file_pages * page), d(file_pages * page);
  scene on{{&a, &b, &c, &d}, {}, gate(readers + writers + mappers)};
  on.subjects.push_back(make_subject(a, origin::mapped, false));
  on.subjects.push_back(make_subject(b, origin::adopted_without_fd, false));
  on.subjects.push_back(make_subject(c, origin::mapped, true));
  on.subjects.push_back(make_subject(d, origin::adopted_with_fd, true));
  const test::hostile_process hostile(on.files, {kept_pages * page, 16, true});

  test::pester::begin(test::pester::meet_in_guard);
  std::vector<std::thread> threads;
  unsigned seed = 0;
  const auto start = [&](int count, void (*work)(scene&, unsigned)) {
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([&on, work, own = ++seed] {
        const test::pestered thread;
        work(on, own);
      });
    }
  };
  start(readers, read_all_the_time);
  start(writers, write_all_the_time);
  start(mappers, map_all_the_time);
  rage(on, hostile, seconds);
  for (std::thread& thread : threads) thread.join();
  hostile.stop();
  const auto stats = nosigbus::stats();
  if (stats.chained != 0) fail("%lu faults were handed on", stats.chained);
  if (stats.regions != on.subjects.size()) fail("%lu regions are left", stats.regions);
  const int stranger = storms::killed_by_a_stranger(storms::die_by_a_missing_page);
  if (stranger != SIGBUS) fail("signal %d was what a fault that is nobody's came to", stranger);
  if (storms::counters* const counters = storms::inherited_counters()) counters->stranger = stranger;
  printf("survived: %lu faults with %lu overlays, no byte wrong, no canary harmed, nothing left behind\n",
         stats.absorbed, stats.overlays);
  fflush(stdout);
  return 0;
}

double wanted_seconds() {
  const char* const text = getenv("NOSIGBUS_TEST_SECONDS");
  return text != nullptr ? atof(text) : 5;
}

}  // namespace

TEST_CASE("a storm of everything at once is survived" NO_QEMU("threads in turns, and most of it is slow")
              NO_TSAN("its handlers take turns with the threads")) {
  const double seconds = wanted_seconds();
  REQUIRE(seconds >= 1);
  CHECK(test::in_child([seconds] { return live_through(seconds); }, static_cast<int>(seconds) + 60) ==
        test::exited(0));
}
