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

std::string described(const test::outcome& ended) {
  std::ostringstream text;
  text << ended;
  return text.str();
}

// Without what one that was killed has left of its socket.
const std::vector<std::string>& on_free_socket(const runtime_folder& folder,
                                               const std::vector<std::string>& command) {
  unlink((folder.path() + "/" + socket_name).c_str());
  return command;
}

void await(test::process& neighbour) {
  const auto line = neighbour.line(start_milliseconds);
  if (line != "ready")
    throw std::runtime_error("the server does not start: " + line.value_or("no neighbour"));
}

}  // namespace

std::vector<std::string> weston_command(const runtime_folder& folder, const std::string& renderer,
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
  // Of interest to nobody here, and long.
  wrapper.emplace_back("--log=/dev/null");
  wrapper.push_back("--config=" + folder.path() + "/weston.ini");
  return wrapper;
}

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

server::server(const runtime_folder& folder, const std::vector<std::string>& command, int windows)
    : server_(on_free_socket(folder, command), {folder.log(), folder.log()}),
      neighbour_({NEIGHBOUR_PROGRAM}) {
  await(neighbour_);
  for (int i = 0; i < windows; ++i) {
    await(windows_.emplace_back(std::vector<std::string>{NEIGHBOUR_PROGRAM, "--window"}));
  }
}

std::string server::ask_neighbours(int attackers) {
  const int most = attackers + static_cast<int>(windows_.size());
  neighbour_.send(std::to_string(most) + "\n");
  for (const test::process& each : windows_) each.send("0\n");
  std::string answer = neighbour_.line(answer_milliseconds).value_or("gone");
  for (test::process& each : windows_) {
    const std::string further = each.line(answer_milliseconds).value_or("gone");
    if (answer == "intact" && further != "intact") answer = "a window: " + further;
  }
  return answer;
}

result server::play(const attack& chosen, const std::vector<const attack*>& company) {
  result all;
  bool takes_screen = chosen.kind == nature::takes_screen;
  {
    std::list<test::process> attackers;
    attackers.emplace_back(std::vector<std::string>{ATTACKER_PROGRAM, chosen.name});
    for (const attack* const each : company) {
      attackers.emplace_back(std::vector<std::string>{ATTACKER_PROGRAM, each->name});
      takes_screen |= each->kind == nature::takes_screen;
    }
    std::vector<std::string> answers;
    for (test::process& each : attackers) {
      answers.push_back(each.line(answer_milliseconds).value_or("hangs"));
    }
    all.attacker = answers.front();
    all.company.assign(answers.begin() + 1, answers.end());
    // While the attackers are there, their windows are.
    if (!takes_screen) all.neighbour = ask_neighbours(static_cast<int>(attackers.size()));
    for (test::process& each : attackers) each.close_input();
    for (test::process& each : attackers) each.ended(answer_milliseconds);
  }
  if (takes_screen || all.neighbour_intact()) all.neighbour = ask_neighbours(0);
  // One that is about to end has closed the neighbour's connection before.
  const auto ended = server_.ended(all.neighbour_intact() ? 0 : 5000);
  if (ended) all.server = described(*ended);
  return all;
}

}  // namespace weston_test
