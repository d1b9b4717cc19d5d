// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "victims.h"

namespace victims_test {

namespace {

// Answers each line with the last byte of the mapping.
constexpr const char* program = R"(
import mmap, sys
with open(sys.argv[1], 'rb') as file:
    mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
print('mapped', flush=True)
for line in sys.stdin:
    print(mapping[-1], flush=True)
print('end of input')
)";

using clock = std::chrono::steady_clock;

std::string last_byte(test::process& python) {
  python.send("\n");
  return python.line(patience_milliseconds).value_or("gone");
}

// Milliseconds until what the file has got back is there; negative: it never is.
long heal(const stage& here, test::process& python) {
  here.write("file", std::string(size_t{1} << 20, 'B'));
  const auto begin = clock::now();
  const auto passed = [begin] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - begin).count();
  };
  while (passed() < patience_milliseconds) {
    const std::string byte = last_byte(python);
    if (byte == "66") return passed();
    if (byte != "0") return -1;
  }
  return -1;
}

// Zeros, then what the file has got back, several times: a busy machine is late now and then.
std::string watch(const stage& here, test::process& python, const std::string& file) {
  // What is promised is 100 ms; how long it takes a machine that does other things too is said, not judged.
  constexpr long a_machine_can_be_busy = 2000;
  long best = patience_milliseconds;
  for (int round = 0; round < 5; ++round) {
    cut(file, 4096);
    if (const std::string byte = last_byte(python); byte != "0") return "in place of a zero: " + byte;
    const long healed = heal(here, python);
    if (healed < 0) return "what the file has got back does not come back";
    best = std::min(best, healed);
  }
  printf("python3: pages come back after %ld ms at best\n", best);
  return best <= a_machine_can_be_busy ? "" : "pages come back after " + std::to_string(best) + " ms at best";
}

}  // namespace

scene play_python(const stage& here) {
  const std::string file = here.write("file", std::string(size_t{1} << 20, 'A'));
  test::process python(here.wrapped({"python3", "-c", program, file}), here.destinations());
  scene result{{}, file};
  if (python.line(patience_milliseconds) != "mapped" || last_byte(python) != "65") {
    result.complaint = "does not map its file";
  } else {
    result.complaint = watch(here, python, file);
  }
  result.end = here.end_of(python);
  return result;
}

}  // namespace victims_test
