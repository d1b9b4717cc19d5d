// SPDX-License-Identifier: MIT
#include "server.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace weston_test {

namespace {

constexpr const char* socket_name = "wayland";
constexpr int start_milliseconds = 30000, answer_milliseconds = 20000;

// Nothing on the screen but what clients show, at once.
constexpr const char* configuration = R"([core]
require-input=false
[shell]
panel-position=none
animation=none
close-animation=none
startup-animation=none
focus-animation=none
locking=false
[input-method]
path=
)";

std::vector<std::string> command(const runtime_folder& folder, const std::string& renderer,
                                 std::vector<std::string> wrapper) {
  for (const char* each : {"weston", "--backend=headless-backend.so", "--width=640", "--height=480",
                           "--idle-time=0", "--debug"}) {
    wrapper.emplace_back(each);
  }
  wrapper.push_back("--use-" + renderer);
  wrapper.push_back(std::string("--socket=") + socket_name);
#ifdef SEAT_MODULE
  wrapper.emplace_back("--modules=" SEAT_MODULE);
#endif
  // Left by one that was killed.
  unlink((folder.path() + "/" + socket_name).c_str());
  // Of interest to nobody here, and long.
  wrapper.emplace_back("--log=/dev/null");
  wrapper.push_back("--config=" + folder.path() + "/weston.ini");
  return wrapper;
}

std::string described(const test::outcome& ended) {
  std::ostringstream text;
  text << ended;
  return text.str();
}

}  // namespace

runtime_folder::runtime_folder() {
  char name[] = "/tmp/weston_test.XXXXXX";
  if (mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = name;
  std::ofstream(path_ + "/weston.ini") << configuration;
  setenv("XDG_RUNTIME_DIR", name, 1);
  setenv("XDG_CACHE_HOME", name, 1);
  setenv("WAYLAND_DISPLAY", socket_name, 1);
  setenv("LIBGL_ALWAYS_SOFTWARE", "1", 1);
}

runtime_folder::~runtime_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

server::server(const runtime_folder& folder, const std::string& renderer,
               const std::vector<std::string>& wrapper)
    : weston_(command(folder, renderer, wrapper), {folder.log(), folder.log()}),
      neighbour_({NEIGHBOUR_PROGRAM}) {
  const auto line = neighbour_.line(start_milliseconds);
  if (line != "ready") throw std::runtime_error("weston does not start: " + line.value_or("no neighbour"));
}

std::string server::ask_neighbour(const char* covered) {
  neighbour_.send(covered);
  return neighbour_.line(answer_milliseconds).value_or("gone");
}

result server::play(const attack& chosen) {
  result all;
  {
    test::process attacker({ATTACKER_PROGRAM, chosen.name});
    all.attacker = attacker.line(answer_milliseconds).value_or("hangs");
    // While the attacker is there, its window is.
    if (chosen.kind != nature::takes_screen) {
      const std::string window = std::to_string(attack_width) + "x" + std::to_string(attack_height) + "\n";
      all.neighbour = ask_neighbour(window.c_str());
    }
    attacker.close_input();
    attacker.ended(answer_milliseconds);
  }
  if (chosen.kind == nature::takes_screen || all.neighbour_intact()) all.neighbour = ask_neighbour("0x0\n");
  // One that is about to end has closed the neighbour's connection before.
  const auto ended = weston_.ended(all.neighbour_intact() ? 0 : 5000);
  if (ended) all.server = described(*ended);
  return all;
}

}  // namespace weston_test
