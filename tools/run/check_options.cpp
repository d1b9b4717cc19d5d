// SPDX-License-Identifier: MIT
//
// What the drop-in does with a fault is decided by what is mapped, and by the options (docs/drop-in.md).
#include "check.h"

namespace nosigbus::run {

namespace {

void check_scope(const std::string& scope, std::vector<finding>& out) {
  out.push_back(
      {verdict::guarded, "shared-memory",
       "reads of shared memory that was truncated (memfd, tmpfs, /dev/shm, huge pages), however it was "
       "mapped: zeros, until it has grown again; huge pages stay zeros"});
  if (scope == "files" || scope == "all") {
    out.push_back(
        {verdict::guarded, "files", "reads of files that were truncated, on any file system: zeros"});
  } else {
    out.push_back({verdict::unguarded, "files", "files on other file systems", "--scope=files guards them"});
  }
  if (scope == "all") {
    out.push_back({verdict::guarded, "devices", "what devices map"});
  } else {
    out.push_back({verdict::unguarded, "devices", "what devices map", "--scope=all guards it"});
  }
}

// What is absorbed in shared memory and passed on in files, unless it is said.
struct by_kind {
  const char *id, *what, *becomes, *absorb, *pass;
};

void check_by_kind(const std::string& said, bool files, const by_kind& of, std::vector<finding>& out) {
  const std::string what = of.what;
  const auto absorbed = [&](const char* where) {
    out.push_back({verdict::guarded, of.id, what + where + ": " + of.becomes,
                   std::string(of.pass) + " passes them on"});
  };
  const auto passed = [&](const char* where) {
    out.push_back({verdict::unguarded, of.id, what + where + ": the program gets SIGBUS",
                   std::string(of.absorb) + " absorbs them"});
  };
  if (said == of.absorb + std::string(of.absorb).find('=') + 1) {
    absorbed("");
  } else if (!said.empty()) {
    passed("");
  } else {
    absorbed(files ? " in shared memory" : "");
    if (files) passed(" in files");
  }
}

void check_own_handler(const std::string& said, std::vector<finding>& out) {
  if (said == "rescue") {
    out.push_back({verdict::guarded, "own-handler",
                   "whatever a SIGBUS handler of the program's own would do: it is kept out",
                   "--own-handler=cooperate lets it throw out the client that it knows"});
  } else {
    out.push_back(
        {verdict::guarded, "own-handler",
         "what a SIGBUS handler of the program's own does not cure: it is called first, and may decide "
         "to end the program",
         "--own-handler=rescue keeps it out"});
  }
}

}  // namespace

void check_options(const options& asked, std::vector<finding>& out) {
  const bool files = asked.scope == "files" || asked.scope == "all";
  check_scope(asked.scope, out);
  check_by_kind(asked.io, files,
                {"io-errors", "I/O errors, and pages for which the file system has no room", "zeros",
                 "--io=absorb", "--io=pass"},
                out);
  check_by_kind(asked.write, files,
                {"writes", "writes to what is missing", "they are lost, never in the file", "--write=discard",
                 "--write=pass"},
                out);
  check_own_handler(asked.own_handler, out);
  out.push_back(
      {verdict::unguarded, "system-calls",
       "system calls that are given the address of a missing page: they fail with EFAULT, as they do "
       "without nosigbus-run"});
  out.push_back({verdict::unguarded, "blocked-signals",
                 "threads that block SIGBUS by a system call of their own instead of the C library's"});
  out.push_back({verdict::unguarded, "other-signals",
                 "SIGSEGV, misaligned accesses, poisoned memory, and a SIGBUS that somebody sends"});
}

}  // namespace nosigbus::run
