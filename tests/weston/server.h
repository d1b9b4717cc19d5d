// SPDX-License-Identifier: MIT
//
// A weston without a screen, where nobody else sees it, and a neighbour in it.
#pragma once

#include <optional>
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

struct result {
  std::string server;  // empty while it lives, else how it ended
  std::string attacker;
  std::string neighbour;

  bool died() const { return !server.empty(); }
  bool attacker_is(const char* what) const { return attacker.starts_with(what); }
  bool neighbour_intact() const { return neighbour == "intact"; }
};

class server {
 public:
  // renderer: pixman or gl. wrapper: what to put in front of weston.
  server(const runtime_folder& folder, const std::string& renderer, const std::vector<std::string>& wrapper);

  result play(const attack& chosen);
  pid_t id() const { return weston_.id(); }

 private:
  std::string ask_neighbour(const char* covered);

  test::process weston_;
  test::process neighbour_;
};

}  // namespace weston_test
