// SPDX-License-Identifier: MIT
//
// Each system call of the start of a program by nosigbus-run fails: of the tool itself, to the end of its
// report; of its child before the program; of the drop-in before the program's own constructors. Either
// nothing is started, which a message and the exit status say, or the program runs as it does by itself; and
// if it is not protected, or what was absorbed cannot be told, that is said.
//
// NOSIGBUS_TEST_INJECTION=all: every error for every call.
#include <doctest/doctest.h>
#include <sys/syscall.h>

#include <cstdio>

#include "start_subject.h"
#include "started.h"
#include "system_calls.h"

using namespace test;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct expectation {
  std::string output;    // of the program, but for its last line
  std::string absorbed;  // in the report
};

std::string output_without_us() {
  std::string text;
  FILE* const program = popen(NOSIGBUS_TEST_START_SUBJECT, "r");
  for (int byte = fgetc(program); byte != EOF; byte = fgetc(program)) text += static_cast<char>(byte);
  CHECK(WEXITSTATUS(pclose(program)) == START_SUBJECT_STATUS);
  return text;
}

constexpr const char* survives = "survives: 1\n";
constexpr const char* dies = "survives: 0\n";

bool is_refusal(const tool_result& result) {
  return result.how.exit_code >= 124 && result.how.exit_code <= 127;
}

void check_refusal(const tool_result& result) {
  CHECK(result.out == "");
  CHECK(has(result.err, "nosigbus-run: "));
}

// A close(2) that was refused leaves open what the program finds then.
std::string without_open(const std::string& output) { return output.substr(output.find('\n')); }

void check_run(const tool_result& result, const expectation& expected, const failure& how) {
  CHECK(result.how == exited(START_SUBJECT_STATUS));
  const bool lives = has(result.out, survives);
  const std::string all = expected.output + (lives ? survives : dies);
  if (how.number == SYS_close) {
    CHECK(without_open(result.out) == without_open(all));
  } else {
    CHECK(result.out == all);
  }
  if (how.number == SYS_write && has(result.err, "the report cannot be written")) return;
  // Where nothing can be written nothing can be said.
  if (how.number == SYS_write && !how.nth) return;
  CHECK((has(result.err, "ran unprotected") || (lives && has(result.err, expected.absorbed))));
}

// malloc may have enough, and how often the tool looks depends on the time.
bool comes_at_times(int number) {
  return number == SYS_brk || number == SYS_futex || number == SYS_waitid || number == SYS_rt_sigprocmask;
}

void play_start(const words& options, const std::string& absorbed, const call_names& below = {}) {
  const std::string plain = output_without_us();
  CHECK(has(plain, dies));
  const expectation expected{plain.substr(0, plain.size() - std::string(dies).size()), absorbed};
  words all = options;
  all.push_back(NOSIGBUS_TEST_START_SUBJECT);
  const start_report undisturbed = start_supervised(all);
  CHECK(undisturbed.result.how == exited(START_SUBJECT_STATUS));
  CHECK(undisturbed.result.out == expected.output + survives);
  CHECK(has(undisturbed.result.err, absorbed));
  for (const auto& each : undisturbed.calls) {
    const caller who = each.first;
    const std::vector<system_call>& calls = each.second;
    CAPTURE(name_of(who));
    CAPTURE(list(calls));
    for (const failure& how : failures_for(calls, {below})) {
      CAPTURE(describe(how));
      const start_report disturbed = start_supervised(all, start_failure{who, how});
      CAPTURE(disturbed.result.out);
      CAPTURE(disturbed.result.err);
      CHECK(!disturbed.endless);
      CHECK((disturbed.failed > 0 || comes_at_times(how.number)));
      is_refusal(disturbed.result) ? check_refusal(disturbed.result)
                                   : check_run(disturbed.result, expected, how);
    }
  }
  CHECK(undisturbed.calls.size() == std::size(callers));
}

}  // namespace

TEST_CASE("failing system calls of a program's start and of its report") {
  play_start({}, "1 fault in 1 mapping");
}
