// SPDX-License-Identifier: MIT
//
// The other side of a shared file. For code in children.
#pragma once

#include <signal.h>
#include <sys/prctl.h>

#include <random>

#include "child.h"
#include "shared_file.h"

namespace test {

// A process that cuts the file off anywhere behind its first `kept` bytes, lets it grow to its size again,
// and draws it once in so many times (0: never), all the time.
class hostile_process {
 public:
  hostile_process(shared_file& file, size_t kept, unsigned draws_one_in) : child_(fork()) {
    if (child_ == 0) be_hostile(file, kept, draws_one_in);
  }
  void stop() const {
    kill(child_, SIGKILL);
    CHILD_CHECK(wait_for(child_, 10) == killed_by(SIGKILL));
  }

 private:
  [[noreturn]] static void be_hostile(shared_file& file, size_t kept, unsigned draws_one_in) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const size_t whole = file.size();
    std::mt19937 random(4);
    for (;;) {
      file.resize(kept + random() % (whole - kept));
      if (random() % 4 != 0) file.resize(whole);
      if (draws_one_in != 0 && random() % draws_one_in == 0) file.draw();
    }
  }

  pid_t child_;
};

}  // namespace test
