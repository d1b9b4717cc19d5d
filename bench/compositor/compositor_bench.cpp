// SPDX-License-Identifier: MIT
//
// A frame of the example compositor, from the moment in which four clients show what they have drawn to the
// one in which the last has been told that it was painted: with views, and with libwayland's brackets.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "pairs.h"
#include "support/process.h"

namespace {

constexpr int clients = 4, patience_milliseconds = 10000;
constexpr int frames_at_once = 25;

void require(bool condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "compositor: %s\n", what);
  exit(1);
}

// Of the sockets.
class runtime_folder {
 public:
  runtime_folder() {
    require(mkdtemp(path_) != nullptr, "mkdtemp");
    setenv("XDG_RUNTIME_DIR", path_, 1);
  }
  runtime_folder(const runtime_folder&) = delete;
  runtime_folder& operator=(const runtime_folder&) = delete;
  ~runtime_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

 private:
  char path_[32] = "/tmp/nosigbus-bench.XXXXXX";
};

// A server of 1920 x 1080, and its clients.
class session {
 public:
  session(const char* server, const char* window)
      : server_({server, "--socket", "bench", "--size", "1920x1080", "--interval", "0"}) {
    require(server_.line(patience_milliseconds).has_value(), "no server");
    setenv("WAYLAND_DISPLAY", "bench", 1);
    for (int i = 0; i < clients; ++i) {
      clients_.emplace_back(std::vector<std::string>{COMPOSITOR_BENCH_CLIENT, window});
    }
    // Both buffers of each have been seen.
    for (int i = 0; i < 4; ++i) frame();
  }

  double frame() {
    all("draw\n");
    const auto begin = std::chrono::steady_clock::now();
    all("show\n");
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

 private:
  void all(const char* request) {
    for (const test::process& each : clients_) each.send(request);
    for (test::process& each : clients_) {
      require(each.line(patience_milliseconds).has_value(), "a client has gone");
    }
  }

  test::process server_;
  std::list<test::process> clients_;
};

std::unique_ptr<runtime_folder> g_folder;
const bench::stage g_sessions{[] { g_folder = std::make_unique<runtime_folder>(); },
                              [] { g_folder.reset(); }};

// The median of some. Each time with servers and clients of their own: where memory happens to lie is worth
// ten per cent.
void measure(benchmark::State& state, const char* server, const char* window) {
  session on(server, window);
  for (auto _ : state) {
    std::vector<double> times;
    for (int i = 0; i < frames_at_once; ++i) times.push_back(on.frame());
    std::nth_element(times.begin(), times.begin() + frames_at_once / 2, times.end());
    state.SetIterationTime(times[frames_at_once / 2]);
  }
}

void add(const char* name, const char* window) {
  bench::add({name, [=](benchmark::State& state) { measure(state, COMPOSITOR_WITH_VIEWS, window); },
              "wl_shm begin + end_access",
              [=](benchmark::State& state) { measure(state, COMPOSITOR_WITH_BRACKETS, window); }, 1.0, "",
              bench::clock::inside, &g_sessions});
}

const bool g_added = [] {
  add("compositor frame, 4 windows of a quarter of 1080p", "960x540");
  add("compositor frame, 4 windows of 1080p", "1920x1080");
  return true;
}();

}  // namespace
