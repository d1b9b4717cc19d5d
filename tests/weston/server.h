// SPDX-License-Identifier: MIT
//
// A server without a screen, where nobody else sees it, and neighbours in it.
#pragma once

#include <list>
#include <string>
#include <vector>

#include "attacks.h"
#include "support/process.h"

namespace weston_test {

// A folder for sockets and caches, gone with the object. Children find the server in it by their environment.
class runtime_folder {
 public:
  runtime_folder();
  runtime_folder(const runtime_folder&) = delete;
  runtime_folder& operator=(const runtime_folder&) = delete;
  ~runtime_folder();

  const std::string& path() const { return path_; }
  // What servers and their wrappers have said, for whoever asks why.
  std::string log() const { return path_ + "/log"; }

 private:
  std::string path_;
};

// What starts weston. renderer: pixman or gl. wrapper: what to put in front of it.
std::vector<std::string> weston_command(const runtime_folder& folder, const std::string& renderer,
                                        std::vector<std::string> wrapper);

struct result {
  std::string server;                // empty while it lives, else how it ended
  std::string attacker;              // the first one
  std::vector<std::string> company;  // the others
  std::string neighbour;             // "intact", or the first of them that is not

  bool died() const { return !server.empty(); }
  bool attacker_is(const char* what) const { return attacker.starts_with(what); }
  bool neighbour_intact() const { return neighbour == "intact"; }
};

class server {
 public:
  // command: starts one that listens on WAYLAND_DISPLAY. windows: neighbours beyond the one that fills the
  // screen, with a window each; not below the pointer.
  server(const runtime_folder& folder, const std::vector<std::string>& command, int windows = 0);

  result play(const attack& chosen) { return play(chosen, {}); }
  // All at once, and each neighbour is asked.
  result play(const attack& chosen, const std::vector<const attack*>& company);
  pid_t id() const { return server_.id(); }

 private:
  // attackers: how many of their windows there can be.
  std::string ask_neighbours(int attackers);

  test::process server_;
  test::process neighbour_;
  std::list<test::process> windows_;
};

}  // namespace weston_test
