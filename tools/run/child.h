// SPDX-License-Identifier: MIT
//
// The program as a child of this process: in the same process group, with the same terminal.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "environment.h"

namespace nosigbus::run {

// What became of it since the last look.
struct child_state {
  enum kind { running, stopped, exited, killed } what = running;
  int value = 0;  // exit status, or signal number

  bool ended() const { return what == exited || what == killed; }
};

struct started {
  pid_t child;
  bool heard;  // SIGCHLD will end a wait
};

// Runs the file with these arguments, the environment changed by `changes`, and signals as this process found
// them. Its signals are forwarded from now on (signals.h; news as there). Throws failure.
started start(const std::string& file, const std::vector<std::string>& arguments, const variables& changes,
              std::atomic<uint32_t>* news);

// Does not wait; running, too, where nothing lets us know. Once it says exited or killed, the process is
// gone.
child_state look_at(pid_t child);

}  // namespace nosigbus::run
