// SPDX-License-Identifier: MIT
//
// instructions --paths    below callgrind: a dump for each path
// instructions --faults   prints instructions, name for each
//
// Of this program's text alone, which has the library in it: what the C library does differs by version.
#include <stepping.h>
#include <support/traced.h>
#include <sys/personality.h>
#include <valgrind/callgrind.h>

#include <csignal>
#include <cstring>

#include "hot_path.h"

// Of the linker: the text.
extern "C" {
extern const char __executable_start, etext;
}

namespace {

using namespace instructions;

// What a kernel can do decides which way some calls go. Old ones have one way that all kernels have.
void be_on_an_old_kernel() { REQUIRE(personality(UNAME26) >= 0); }

void run_path(const hot_path& path) {
  path.prepare();
  CALLGRIND_ZERO_STATS;
  CALLGRIND_TOGGLE_COLLECT;
  path.run();
  CALLGRIND_TOGGLE_COLLECT;
  CALLGRIND_DUMP_STATS_AT(path.name.c_str());
}

int run_paths() {
  for (const auto& paths : {copies_and_scans(), guards_and_loads(), regions()}) {
    for (const hot_path& path : paths) run_path(path);
  }
  return 0;
}

bool is_ours(uintptr_t pc) {
  return pc >= reinterpret_cast<uintptr_t>(&__executable_start) && pc < reinterpret_cast<uintptr_t>(&etext);
}

// From the signal to the system call that ends its handler.
uint64_t count_handler(test::traced& child, const char* name) {
  uint64_t count = 0;
  for (uint64_t steps = 0; steps < 100000; ++steps) {
    if (child.step() != test::traced::stop::instruction) break;
    const test::position at(child.id());
    if (at.leaves_handler()) return count;
    if (is_ours(at.pc())) ++count;
  }
  fprintf(stderr, "instructions: %s: the handler does not come back\n", name);
  _Exit(1);
}

// Signals before `fault` are those of `prepare`.
uint64_t count_fault(const fault_path& path) {
  test::traced child([&path] {
    path.prepare();
    raise(SIGUSR1);
    path.fault();
    return 0;
  });
  while (child.go() == test::traced::stop::signal && child.signo() != SIGUSR1) {
  }
  child.swallow();
  REQUIRE(child.go() == test::traced::stop::signal && child.signo() == SIGBUS);
  const uint64_t count = count_handler(child, path.name.c_str());
  REQUIRE(child.go() == test::traced::stop::end && child.how() == test::exited(0));
  return count;
}

int run_faults() {
  for (const fault_path& path : faults()) {
    printf("%lu\t%s\n", static_cast<unsigned long>(count_fault(path)), path.name.c_str());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  be_on_an_old_kernel();
  if (argc == 2 && strcmp(argv[1], "--paths") == 0) return run_paths();
  if (argc == 2 && strcmp(argv[1], "--faults") == 0) return run_faults();
  fprintf(stderr, "instructions --paths | --faults\n");
  return 2;
}
