// SPDX-License-Identifier: MIT
//
// Reading what is there, and what is not.
#include "works.h"

#include <fstream>

#include "../buffers.h"

namespace peers {

namespace {
// A row below this counts as lost. Medians of what is the same differ by so much on a machine that others
// use.
constexpr double even = 0.95;
}  // namespace

void add(const work& w, const std::function<void(benchmark::State&, const technique&)>& measure) {
  const auto body = [measure](const technique& t) {
    return [measure, &t](benchmark::State& state) {
      const in_force handler(t);
      measure(state, t);
    };
  };
  for (const technique& peer : all()) {
    if (peer.ours == nullptr) continue;
    const technique& ours = find(peer.ours);
    const double goal = peer.survives ? even : 0;
    bench::add({w.name + ": " + ours.name, body(ours), peer.name, body(peer), goal, "", w.taken, w.on, w.name,
                ours.name, w.iterations, w.repetitions});
  }
}

void measure_cut_off(benchmark::State& state, const bench::file& file, const technique& t, reader& touched,
                     const bench::page_order& order) {
  if (!t.survives) {
    bench::not_available(state, "dies");
    return;
  }
  for (auto _ : state) {
    file.cut_off();
    bench::timed(state, [&] { touched.touch(order.data(), order.size()); });
    file.make_whole();
    touched.restore();
  }
}

size_t mappings_allowed() {
  size_t allowed = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> allowed;
  return allowed;
}

namespace {

// The framework would take too few iterations where it was disturbed while it tried how many.
void add_healthy(const std::string& size_name, size_t size, int iterations) {
  add({"read " + size_name, bench::clock::around, iterations, 31},
      [size](benchmark::State& state, const technique& t) {
        static const bench::shared_buffer data = bench::make_shared(8 * mib);
        const auto attached = t.attach(data.fd, std::max(size, 64 * kib));
        attached->read(bench::target(), 0, size);
        for (auto _ : state) {
          require(attached->read(bench::target(), 0, size) == size);
          benchmark::ClobberMemory();
        }
      });
}

void add_cut_off(const work& w, size_t size, const bench::page_order& order, size_t mappings) {
  add(w, [size, &order, mappings](benchmark::State& state, const technique& t) {
    // What it leaves is a mapping for each run of pages that have been touched, and for each that have not.
    if (t.name == overlay_of_pages.name && mappings_allowed() < mappings) {
      bench::not_available(state, "takes " + std::to_string(mappings) + " mappings, vm.max_map_count is " +
                                      std::to_string(mappings_allowed()) + ", and the process dies");
      return;
    }
    const bench::file file(size);
    const auto attached = t.attach(file.fd(), size);
    measure_cut_off(state, file, t, *attached, order);
  });
}

const bool g_added = [] {
  static const bench::page_order first{0}, in_order = bench::pages_of(64 * mib),
                                           at_random = bench::shuffled(bench::pages_of(gib));
  add_healthy("4 KiB", 4 * kib, 2000);
  add_healthy("64 KiB", 64 * kib, 200);
  add_healthy("8 MiB", 8 * mib, 2);
  const auto inside = bench::clock::inside;
  add_cut_off({"one fault", inside, 5, 31}, 64 * kib, first, 0);
  add_cut_off({"64 MiB cut off, a byte per page", inside, 1, 7}, 64 * mib, in_order, 0);
  add_cut_off({"1 GiB cut off, a byte per page at random", inside, 1, 3}, gib, at_random, 132000);
  return true;
}();

}  // namespace

}  // namespace peers
