// SPDX-License-Identifier: MIT
//
// What a program's and its libraries' symbols, and their names, tell of what they do at run time. Libraries
// that it loads later are not seen.
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>

#include "check.h"
#include "elf_file.h"
#include "elf_symbols.h"
#include "failure.h"
#include "loader.h"

namespace nosigbus::run {

namespace {

struct object {
  std::string path;
  elf_symbols symbols;
};

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// What all programs have: not theirs, or known to do nothing with SIGBUS.
bool is_common(const std::string& path) {
  constexpr const char* names[] = {"ld-linux",       "libc.so.",     "libm.so.",
                                   "libpthread.so.", "libdl.so.",    "librt.so.",
                                   "libstdc++.so.",  "libgcc_s.so.", "libubsan.so."};
  const std::string name = base_name(path);
  return std::any_of(std::begin(names), std::end(names),
                     [&name](const char* each) { return name.starts_with(each); });
}

// Those of which `matches` is true.
template <class Condition>
std::vector<std::string> those(const std::vector<object>& all, const Condition& matches) {
  std::vector<std::string> paths;
  for (const object& each : all) {
    if (matches(each)) paths.push_back(each.path);
  }
  return paths;
}

// --- By the functions that they import

struct habit {
  const char* id;
  std::initializer_list<const char*> functions;
  const char *text, *advice;
};

const habit habits[] = {
    {"sets-handlers",
     {"sigaction", "signal", "sigset", "bsd_signal", "sysv_signal", "__sysv_signal", "ssignal"},
     "can set signal handlers; one for SIGBUS is treated as --own-handler says",
     ""},
    {"own-system-calls",
     {"syscall"},
     "can make system calls without the C library; a mask or action that is set so is not seen",
     ""},
    {"contexts",
     {"setcontext", "swapcontext"},
     "can switch contexts, which puts back signal masks without our knowing",
     ""},
    {"seccomp",
     {"seccomp_init"},
     "can filter system calls; docs/drop-in.md lists those that the filter has to let through",
     ""},
    {"starts-programs",
     {"execve", "execv", "execvp", "execvpe", "execl", "execlp", "execle", "fexecve", "posix_spawn",
      "posix_spawnp", "system", "popen"},
     "can start other programs, which are protected if nosigbus-run could start them",
     "check those, too"},
    {"loads-at-run-time",
     {"dlopen", "dlmopen"},
     "can load libraries at run time, which were not looked at",
     ""},
};

void check_habits(const std::vector<object>& all, std::vector<finding>& out) {
  for (const habit& each : habits) {
    const auto has = [&each](const object& of) {
      return std::any_of(each.functions.begin(), each.functions.end(),
                         [&of](const char* name) { return of.symbols.imported.contains(name); });
    };
    const std::vector<std::string> found = those(all, has);
    if (!found.empty()) out.push_back({verdict::note, each.id, each.text, each.advice, found});
  }
}

// --- By name

struct acquaintance {
  const char *id, *name, *text, *advice;
};

// What ends a program by its own handler is the program's decision (docs/drop-in.md).
constexpr const char* rescue = "--own-handler=rescue gives zeros instead, of which it does not learn";
constexpr const char* xserver =
    "has a handler for SIGBUS, which drops the client's segment; it is called first, and ends the server at "
    "a second fault in that segment, or at one in any other mapping";
constexpr const char* java =
    "has a Java VM, whose handler throws InternalError into Java code that reads a mapped buffer, and ends "
    "the program where native code does";

// Of libraries, and of programs that are named so, whose handlers for SIGBUS are known: docs/migrating*.md,
// docs/embedding.md.
constexpr acquaintance acquaintances[] = {
    {"libwayland-server", "libwayland-server.so.",
     "has a handler for SIGBUS, which disconnects the client whose buffer is bad; it is called first, and "
     "still does",
     ""},
    {"xserver", "Xorg", xserver, rescue},
    {"xserver", "Xvfb", xserver, rescue},
    {"xserver", "Xwayland", xserver, rescue},
    {"xserver", "Xephyr", xserver, rescue},
    {"pulseaudio", "pulseaudio",
     "has a handler for SIGBUS, which marks the client's segment as bad; it is called first, and calls abort "
     "at a fault in any other mapping",
     rescue},
    {"systemd", "libsystemd-shared",
     "if it reads journals, has a handler for SIGBUS, which puts zeros at any address; it is called first, "
     "and the program aborts later where the address is in no journal, or faults were too many",
     rescue},
    {"libsigsegv", "libsigsegv.so.", "lets programs have handlers for faults; they are called first", ""},
    {"jvm", "libjli.so", java, rescue},
    {"jvm", "libjvm.so", java, rescue},
};

void check_acquaintances(const std::vector<object>& all, const options& asked, std::vector<finding>& out) {
  if (asked.own_handler == "rescue") return;  // none of them is asked
  for (const acquaintance& each : acquaintances) {
    const auto named = [&each](const object& of) { return base_name(of.path).starts_with(each.name); };
    const std::vector<std::string> found = those(all, named);
    if (!found.empty()) out.push_back({verdict::note, each.id, each.text, each.advice, found});
  }
}

// --- Runtimes that take SIGBUS behind the C library's back, or are no program's decision

void check_go(const std::vector<object>& all, const options& asked, std::vector<finding>& out) {
  const std::vector<std::string> found = those(all, [](const object& of) { return of.symbols.go; });
  if (found.empty() || asked.own_handler == "rescue") return;
  out.push_back({verdict::unguarded, "go", "a Go program's handler turns each fault into a panic",
                 "--own-handler=rescue keeps it out", found});
}

struct sanitizer {
  const char* library;  // empty: is no trouble as one
  const char *function, *variable;
  bool first;  // wants to be the first library
};
constexpr sanitizer sanitizers[] = {
    {"libasan.so.", "__asan_init", "ASAN_OPTIONS", true},
    {"libtsan.so.", "__tsan_init", "", false},
    {"", "__ubsan_handle_add_overflow", "UBSAN_OPTIONS", false},
};

void check_sanitizers(const std::vector<object>& all, std::vector<finding>& out) {
  for (const sanitizer& each : sanitizers) {
    const auto is_library = [&each](const object& of) {
      return each.library[0] != '\0' && base_name(of.path).starts_with(each.library);
    };
    const bool shared = std::any_of(all.begin(), all.end(), is_library);
    std::vector<std::string> found = those(
        all, [&](const object& of) { return is_library(of) || of.symbols.exported.contains(each.function); });
    // libasan brings the others' functions along.
    if (shared) found = those(all, is_library);
    if (found.empty()) continue;
    if (each.variable[0] == '\0') {
      out.push_back({verdict::unguarded, "sanitizer", "ThreadSanitizer takes SIGBUS, and cannot do without",
                     "", found});
    } else if (shared && each.first) {
      out.push_back(
          {verdict::unguarded, "sanitizer",
           "AddressSanitizer ends a program into which another library is loaded first, and takes SIGBUS",
           "ASAN_OPTIONS=verify_asan_link_order=0:handle_sigbus=0", found});
    } else {
      out.push_back({verdict::unguarded, "sanitizer", "the sanitizer takes SIGBUS to report it",
                     std::string(each.variable) + "=handle_sigbus=0 leaves it to the drop-in", found});
    }
    return;
  }
}

// --- The loader's word

void check_loaded(const loaded& from, const std::string& library, check_report& to) {
  for (const std::string& name : from.missing) {
    to.findings.push_back({verdict::note, "missing-library",
                           "the program cannot start: " + name + " is not found",
                           "install it, or say where it is with LD_LIBRARY_PATH"});
  }
  const bool comes = std::find(from.files.begin(), from.files.end(), library) != from.files.end();
  if (comes || (from.files.empty() && from.missing.empty())) return;
  to.status = cannot_protect;
  to.findings.push_back(
      {verdict::refused, "not-loaded",
       "the loader does not take the drop-in: " + from.complaints.substr(0, from.complaints.find('\n')),
       "give it a libnosigbus-preload.so that was built for this system with NOSIGBUS_PRELOAD"});
}

}  // namespace

void check_program(const options& asked, const std::string& library, check_report& to) {
  if (access("/proc/self/maps", R_OK) != 0) {
    to.findings.push_back({verdict::unguarded, "no-proc",
                           "anything, where there is no /proc to ask what has faulted", "mount it"});
  }
  const std::string program = to.files.back();
  const auto file = read_executable(program);
  if (file && file->elf && file->elf->audited) {
    to.findings.push_back({verdict::note,
                           "auditors",
                           "names libraries that the loader runs to audit it (DT_AUDIT): the loader was not "
                           "asked, and its libraries were not looked at",
                           "",
                           {program}});
  }
  const loaded found = ask_loader(program, library);
  check_loaded(found, library, to);
  for (const std::string& path : found.files) {
    if (path != library) to.files.push_back(path);
  }
  std::vector<object> all;
  for (const std::string& path : to.files) {
    if (is_common(path)) continue;
    if (auto symbols = read_symbols(path)) {
      all.push_back({path, std::move(*symbols)});
    } else if (path == program) {
      to.findings.push_back(
          {verdict::note, "unreadable", "cannot be read; what it does is not known", "", {path}});
    }
  }
  check_go(all, asked, to.findings);
  check_sanitizers(all, to.findings);
  check_acquaintances(all, asked, to.findings);
  check_habits(all, to.findings);
}

}  // namespace nosigbus::run
