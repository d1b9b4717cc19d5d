// SPDX-License-Identifier: MIT
//
// The signal core: a random program of actions, masks, faults and sent signals runs with nosigbus and by the
// kernel alone, and sees the same (signal/program.h).
#include <algorithm>
#include <cstdio>

#include "signal/program.h"
#include "support/check.h"
#include "support/child.h"
#include "support/features.h"

namespace {

using namespace fuzz;

void run(const uint8_t* data, size_t size, by whom, diary& into) {
  into.count = 0;
  FUZZ_TRACE("\n--- %s", whom == by::kernel ? "the kernel alone" : "with nosigbus");
  into.status = run_in_child([=, &into] {
    alarm(20);
    input from(data, size);
    run_signal_program(from, whom, into);
  });
}

void tell(const char* name, const diary& of, size_t around) {
  std::fprintf(stderr, "%-9s status %#x, %zu entries;", name, static_cast<unsigned>(of.status), of.count);
  for (size_t i = around < 8 ? 0 : around - 8; i < std::min(around + 4, of.count); ++i) {
    std::fprintf(stderr, "%s%#lx", i == around ? "  -> " : " ", static_cast<unsigned long>(of.entries[i]));
  }
  std::fprintf(stderr, "\n");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static diary* const g_diaries = &shared_memory<diary>(2);
  reached(0);
  diary &wanted = g_diaries[0], &found = g_diaries[1];
  run(data, size, by::kernel, wanted);
  run(data, size, by::library, found);
  const size_t count = std::min(wanted.count, found.count);
  const size_t same = static_cast<size_t>(
      std::mismatch(found.entries, found.entries + count, wanted.entries).first - found.entries);
  if (same != count || wanted.count != found.count || wanted.status != found.status) {
    tell("kernel:", wanted, same);
    tell("nosigbus:", found, same);
    FUZZ_CHECK(!"nosigbus is noticed");
  }
  for (size_t i = 2; i < count; ++i)
    reached(40, wanted.entries[i] % 251, wanted.entries[i - 1] % 31, wanted.entries[i - 2] % 7);
  reached(41, wanted.status, magnitude(wanted.count));
  return 0;
}
