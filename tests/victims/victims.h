// SPDX-License-Identifier: MIT
//
// Programs as they are, of which each maps a file that somebody cuts off under it. When exactly is not left
// to chance: a program that waits for its next request, for somebody to read its output, or for its next
// input, has mapped what it needed so far, and has not read what comes next.
#pragma once

#include "stage.h"

namespace victims_test {

struct scene {
  ending end;
  std::string attacked;     // path of the file
  std::string complaint{};  // what else went wrong, empty if nothing did
};

struct victim {
  const char* name;
  std::vector<std::string> programs;  // without which it cannot be played
  scene (*play)(const stage&);
  // One that has a SIGBUS handler of its own may exit with this status in place of dying of the signal.
  int own_status = -1;
  // The program protected: its exit status, and what it has to say about it (a part of its output or errors).
  int status = 0;
  const char* says = "";
  std::vector<std::string> options{};  // of nosigbus-run, more of them
};

scene play_python(const stage& here);
scene play_sqlite(const stage& here);
scene play_ripgrep(const stage& here);
scene play_git_pack(const stage& here);
scene play_git_index(const stage& here);
scene play_lld(const stage& here);

}  // namespace victims_test
