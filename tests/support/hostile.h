// SPDX-License-Identifier: MIT
//
// The other side of a shared file. For code in children.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include <random>
#include <vector>

#include "child.h"
#include "shared_file.h"

namespace test {

// What one file has to suffer.
struct torment {
  size_t kept = 0;            // bytes at its beginning that are left alone
  unsigned draws_one_in = 0;  // the whole file is drawn once in so many times; 0: never
  bool holes = false;         // pages are taken out of it, too: they read as zeros
};

// A process that cuts files off anywhere behind what is kept, and lets them grow to their size again, all the
// time.
class hostile_process {
 public:
  hostile_process(std::vector<shared_file*> files, const torment& how) : child_(fork()) {
    if (child_ == 0) be_hostile(files, how);
  }
  hostile_process(shared_file& file, size_t kept, unsigned draws_one_in)
      : hostile_process({&file}, {kept, draws_one_in}) {}

  void stop() const {
    kill(child_, SIGKILL);
    CHILD_CHECK(wait_for(child_, 10) == killed_by(SIGKILL));
  }
  // Nothing happens between these two.
  void pause() const {
    kill(child_, SIGSTOP);
    int status = 0;
    CHILD_CHECK(waitpid(child_, &status, WUNTRACED) == child_ && WIFSTOPPED(status));
  }
  void resume() const { kill(child_, SIGCONT); }

 private:
  [[noreturn]] static void be_hostile(const std::vector<shared_file*>& files, const torment& how) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const size_t whole = files[0]->size();
    std::mt19937 random(4);
    for (;;) {
      shared_file& file = *files[files.size() == 1 ? 0 : random() % files.size()];
      if (how.holes && random() % 4 == 0) punch(file, how.kept, whole, random);
      file.resize(how.kept + random() % (whole - how.kept));
      if (random() % 4 != 0) file.resize(whole);
      if (how.draws_one_in != 0 && random() % how.draws_one_in == 0) file.draw();
    }
  }
  static void punch(const shared_file& file, size_t kept, size_t whole, std::mt19937& random) {
    const size_t offset = kept + random() % (whole - kept), length = 1 + random() % (whole - offset);
    const int error = fallocate(file.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                static_cast<off_t>(offset), static_cast<off_t>(length));
    CHILD_CHECK(error == 0);
  }

  pid_t child_;
};

}  // namespace test
