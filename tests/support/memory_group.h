// SPDX-License-Identifier: MIT
//
// A control group of little memory (cgroups(7), version 2), below the one that the test is in. For the parent
// of the processes that enter it.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "child.h"

namespace test {

class memory_group {
 public:
  explicit memory_group(size_t bytes) {
    const std::string own = own_folder();
    if (own.empty()) return;
    // In the root group; elsewhere somebody has to have done it.
    put(own + "/cgroup.subtree_control", "+memory");
    folder_ = own + "/nosigbus-test-" + std::to_string(getpid());
    exists_ = mkdir(folder_.c_str(), 0700) == 0;
    limited_ = exists_ && put(folder_ + "/memory.max", std::to_string(bytes));
    put(folder_ + "/memory.swap.max", "0");
  }
  // Nobody is in it any more.
  ~memory_group() {
    if (exists_) rmdir(folder_.c_str());
  }
  memory_group(const memory_group&) = delete;
  memory_group& operator=(const memory_group&) = delete;

  explicit operator bool() const { return limited_; }
  // The calling process, with what it takes from now on.
  void enter() const { CHILD_CHECK(put(folder_ + "/cgroup.procs", "0")); }

 private:
  static bool put(const std::string& file, const std::string& text) {
    const int fd = open(file.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool done = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    close(fd);
    return done;
  }

  // Where the hierarchy is mounted, and where we are in it; empty without one.
  static std::string own_folder() {
    std::ifstream mounts("/proc/self/mounts"), groups("/proc/self/cgroup");
    std::string device, place, type, rest, line;
    while (mounts >> device >> place >> type && std::getline(mounts, rest) && type != "cgroup2") {
    }
    if (type != "cgroup2") return {};
    while (std::getline(groups, line)) {
      if (line.rfind("0::", 0) == 0) return place + (line == "0::/" ? "" : line.substr(3));
    }
    return {};
  }

  std::string folder_;
  bool exists_ = false, limited_ = false;
};

}  // namespace test
