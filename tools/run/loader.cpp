// SPDX-License-Identifier: MIT
#include "loader.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <sstream>
#include <system_error>

#include "elf_file.h"
#include "environment.h"

namespace nosigbus::run {

namespace {

// What it writes to stdout and to stderr, all of it.
std::string output_of(const std::vector<std::string>& command,
                      const std::vector<std::string>& variables_of_it) {
  const int fd = memfd_create("output", MFD_CLOEXEC);
  if (fd < 0) return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fd, STDERR_FILENO);
  pid_t child = 0;
  const int error = posix_spawn(&child, command[0].c_str(), &actions, nullptr, pointers(command).data(),
                                pointers(variables_of_it).data());
  posix_spawn_file_actions_destroy(&actions);
  std::string text;
  if (error == 0) {
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    char bytes[4096];
    ssize_t got = 0;
    for (off_t at = 0; (got = pread(fd, bytes, sizeof bytes, at)) > 0; at += got)
      text.append(bytes, static_cast<size_t>(got));
  }
  close(fd);
  return text;
}

// "NAME => PATH (ADDRESS)", "NAME => not found", "PATH (ADDRESS)"; else it is a message.
void read_line(const std::string& line, loaded& out) {
  const size_t begin = line.find_first_not_of('\t');
  if (begin != 1) {
    out.complaints += line + "\n";
    return;
  }
  const size_t arrow = line.find(" => ");
  const std::string place = arrow == std::string::npos ? line.substr(1) : line.substr(arrow + 4);
  if (place == "not found") out.missing.push_back(line.substr(1, arrow - 1));
  const size_t address = place.rfind(" (0x");
  // What has no path is the kernel's (vdso).
  if (place[0] == '/' && address != std::string::npos) out.files.push_back(place.substr(0, address));
}

}  // namespace

loaded ask_loader(const std::string& program, const std::string& library) {
  const auto own = read_executable("/proc/self/exe"), its = read_executable(program);
  if (!own || !own->elf || own->elf->interpreter.empty() || !its || !its->elf || its->elf->audited) return {};
  // $ORIGIN of a link is where it leads to.
  std::error_code error;
  const std::string path = std::filesystem::canonical(program, error);
  // As ldd(1): other than --list it goes on where a library is missing.
  std::istringstream lines(
      output_of({own->elf->interpreter, path},
                environment({{"LD_PRELOAD", preload_with(library)}, {"LD_TRACE_LOADED_OBJECTS", "1"}})));
  loaded out;
  for (std::string line; std::getline(lines, line);) read_line(line, out);
  return out;
}

}  // namespace nosigbus::run
