// SPDX-License-Identifier: MIT
#include "find_program.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "failure.h"

namespace nosigbus::run {

namespace {

std::string error_text(int error) { return std::generic_category().message(error); }

// 0, or why it cannot be executed.
int executable(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  if (!S_ISREG(status.st_mode)) return EACCES;
  return faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

std::string search_path() {
  if (const char* const path = std::getenv("PATH")) return path;
  char text[PATH_MAX];
  const size_t length = confstr(_CS_PATH, text, sizeof text);
  return length == 0 || length > sizeof text ? "/bin:/usr/bin" : text;
}

// Empty where there is no /proc to tell. Then nothing is looked for: it would be in the working directory,
// which anybody may have filled.
std::filesystem::path own_folder() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

}  // namespace

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    const int error = executable(name);
    if (error == 0) return name;
    const bool missing = error == ENOENT || error == ENOTDIR;
    throw failure(missing ? not_found : cannot_execute, name + ": " + error_text(error));
  }
  const std::string path = search_path();
  int refused = 0;
  for (size_t begin = 0; !name.empty() && begin <= path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    const std::string folder = path.substr(begin, end - begin);
    std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    const int error = executable(candidate);
    if (error == 0) return candidate;
    if (error == EACCES || error == EISDIR) refused = error;
    begin = end + 1;
  }
  if (refused != 0) throw failure(cannot_execute, name + ": found in PATH, but: " + error_text(refused));
  throw failure(not_found, name + ": there is no such program in PATH");
}

std::string find_library(const char* name) {
  // Beside the tool in the build tree (a link), in lib/ where both are installed.
  const std::filesystem::path here = own_folder();
  if (here.empty()) return {};
  for (const auto& folder : {here, here / NOSIGBUS_RUN_LIBRARIES}) {
    const std::filesystem::path candidate = folder / name;
    std::error_code error;
    if (access(candidate.c_str(), R_OK) == 0) return std::filesystem::canonical(candidate, error);
  }
  return {};
}

std::string find_preload() {
  constexpr const char* library = "libnosigbus-preload.so";
  std::string found;
  if (const char* const given = std::getenv("NOSIGBUS_PRELOAD"); given != nullptr && *given != '\0') {
    found = std::filesystem::absolute(given);
    if (access(found.c_str(), R_OK) != 0) {
      throw failure(own_failure, "NOSIGBUS_PRELOAD=" + found + ": " + error_text(errno));
    }
  } else {
    found = find_library(library);
    if (found.empty()) {
      const std::filesystem::path here = own_folder();
      if (here.empty()) {
        throw failure(own_failure, std::string("without /proc nothing tells where ") + library +
                                       " is; mount it, or say where it is with NOSIGBUS_PRELOAD");
      }
      throw failure(own_failure, std::string(library) + " is neither in " + here.string() + " nor in " +
                                     (here / NOSIGBUS_RUN_LIBRARIES).lexically_normal().string() +
                                     "; install it, or say where it is with NOSIGBUS_PRELOAD");
    }
  }
  // ld.so(8) takes both for the end of a name.
  if (found.find_first_of(" :") != std::string::npos) {
    throw failure(own_failure, found +
                                   ": LD_PRELOAD cannot name a file with a blank or a colon in its path; "
                                   "move it, or make a link to it and name that in NOSIGBUS_PRELOAD");
  }
  return found;
}

}  // namespace nosigbus::run
