// SPDX-License-Identifier: MIT
#include "protectable.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "elf_file.h"
#include "elf_symbols.h"
#include "find_program.h"

namespace nosigbus::run {

namespace {

constexpr const char* tool = "/proc/self/exe";

std::string base_name(const std::string& path) { return std::filesystem::path(path).filename(); }

bool same_file(const std::string& a, const std::string& b) {
  struct stat first {
  }, second{};
  return stat(a.c_str(), &first) == 0 && stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

void check_linkage(const std::string& path, const elf_facts& program) {
  const auto own_file = read_executable(tool);
  if (!own_file || !own_file->elf) return;
  const elf_facts& own = *own_file->elf;
  if (program.elf_class != own.elf_class || program.data != own.data || program.machine != own.machine) {
    throw unprotectable({"other-machine", path, "is for another processor or word size than nosigbus-run",
                         "use a nosigbus-run that was built for the same as the program"});
  }
  if (same_file(path, own.interpreter)) return;  // `ld.so PROGRAM` heeds LD_PRELOAD
  if (program.interpreter.empty()) {
    const auto symbols = read_symbols(path);
    if (symbols && symbols->go) {
      throw unprotectable({"static", path, "is a statically linked Go program, and loads no library",
                           "build it with cgo and -ldflags=-linkmode=external, or with libnosigbus"});
    }
    throw unprotectable({"static", path, "is statically linked, and loads no library",
                         "link it dynamically, or build it with libnosigbus"});
  }
  if (base_name(program.interpreter) != base_name(own.interpreter)) {
    throw unprotectable(
        {"other-c-library", path,
         "has the loader " + program.interpreter + ", of another C library than glibc's " + own.interpreter,
         "build it for glibc, or with libnosigbus"});
  }
}

// As the kernel decides whether a program runs in secure mode (AT_SECURE).
void check_privileges(const std::string& path) {
  struct stat status {};
  struct statvfs mount {};
  if (stat(path.c_str(), &status) != 0) return;
  if (statvfs(path.c_str(), &mount) == 0 && (mount.f_flag & ST_NOSUID) != 0) return;
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1) return;
  const char *id = nullptr, *what = nullptr;
  constexpr mode_t setgid = S_ISGID | S_IXGRP;
  if ((status.st_mode & S_ISUID) != 0 && status.st_uid != getuid()) {
    id = "setuid", what = "is setuid";
  } else if ((status.st_mode & setgid) == setgid && status.st_gid != getgid()) {
    id = "setgid", what = "is setgid";
  } else if (getuid() != 0 && getxattr(path.c_str(), "security.capability", nullptr, 0) > 0) {
    id = "file-capabilities", what = "has file capabilities";
  }
  if (what == nullptr) return;
  throw unprotectable({id, path, std::string(what) + ", and for such programs the loader ignores LD_PRELOAD",
                       "run nosigbus-run as the user whose privileges the program takes, or build it with "
                       "libnosigbus"});
}

// The program that `env [OPTION...] [NAME=VALUE...] PROGRAM` starts; empty if that is not to be told.
std::string started_by_env(const std::string& argument) {
  std::istringstream words(argument);
  std::string word;
  bool split = false;
  while (words >> word) {
    if (word == "-S" || word == "--split-string") {
      split = true;
    } else if (word == "-i" || word == "-" || (word[0] == '-' && !split)) {
      return {};
    } else if (word.find('=') == std::string::npos) {
      return word;
    }
  }
  return {};
}

constexpr int deepest = 6;  // the kernel follows five

void check(const std::string& path, int depth, std::vector<std::string>& files) {
  std::string current = path;
  for (; depth < deepest; ++depth) {
    if (std::find(files.begin(), files.end(), current) == files.end()) files.push_back(current);
    const auto file = read_executable(current);
    if (!file) return check_privileges(current);  // it may be executed all the same
    if (file->elf) {
      check_linkage(current, *file->elf);
      check_privileges(current);
      return;
    }
    std::string next = file->script_interpreter;
    if (next.empty()) {
      next = "/bin/sh";  // as execvp(3)
    } else if (base_name(next) == "env") {
      const std::string program = started_by_env(file->script_argument);
      check(next, depth + 1, files);
      if (program.empty()) return;
      next = program;
    }
    try {
      current = find_program(next);
    } catch (const failure& missing) {
      throw failure(missing.status(), current + ": what runs it: " + missing.what());
    }
  }
}

}  // namespace

std::vector<std::string> check_protectable(const std::string& path) {
  std::vector<std::string> files;
  check(path, 0, files);
  return files;
}

}  // namespace nosigbus::run
