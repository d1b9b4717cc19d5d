// SPDX-License-Identifier: MIT
#include "tool.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>

namespace test {

namespace {

std::string content(int fd) {
  std::string text(static_cast<size_t>(lseek(fd, 0, SEEK_END)), '\0');
  const ssize_t got = pread(fd, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return text;
}

// Files tell nobody that they have grown.
bool comes(int fd, const std::string& text) {
  for (int i = 0; i < 1000; ++i) {
    if (content(fd).find(text) != std::string::npos) return true;
    usleep(10'000);
  }
  return false;
}

[[noreturn]] void become(const words& arguments, const variables& environment, int out, int err,
                         const std::function<void()>& last) {
  for (const char* name :
       {"SCOPE", "IO", "WRITE", "OWN_HANDLER", "LOG", "REPORT", "FOLLOW", "BACKTRACE", "COLOR", "JOURNAL"}) {
    unsetenv((std::string("NOSIGBUS_") + name).c_str());
  }
  setenv("NOSIGBUS_PRELOAD", NOSIGBUS_TEST_STAND_IN, 1);
  for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  std::vector<char*> all{const_cast<char*>("nosigbus-run")};
  for (const std::string& word : arguments) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  if (last) last();
  execv(NOSIGBUS_TEST_RUN, all.data());
  _exit(99);
}

}  // namespace

tool::tool(const words& arguments, const variables& environment, const std::function<void()>& last)
    : out_(memfd_create("out", MFD_CLOEXEC)), err_(memfd_create("err", MFD_CLOEXEC)) {
  fflush(nullptr);
  pid_ = fork();
  if (pid_ == 0) become(arguments, environment, out_, err_, last);
}

tool::~tool() {
  if (pid_ > 0) finish(0);
  close(out_);
  close(err_);
}

bool tool::wrote(const std::string& text) const { return comes(out_, text); }
bool tool::reported(const std::string& text) const { return comes(err_, text); }

tool_result tool::finish(int seconds) {
  const outcome how = wait_for(pid_, seconds);
  pid_ = 0;
  return {how, content(out_), content(err_)};
}

words subject(const words& options, const words& arguments) {
  words all = options;
  all.push_back(NOSIGBUS_TEST_SUBJECT);
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

}  // namespace test
