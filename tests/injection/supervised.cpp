// SPDX-License-Identifier: MIT
#include "supervised.h"

#include <fcntl.h>
#include <nosigbus/runtime.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "notifications.h"
#include "support/shared_file.h"
#include "system_calls.h"

namespace test {

namespace {

// Between the child and its supervisor.
struct shared_page {
  std::atomic<bool> observed;  // now
  std::atomic<bool> failing;   // the first time
  std::atomic<bool> mappings_failed;
  possessions left;
  char complaint[256];
};

shared_page& board() {
  static shared_page* const page = static_cast<shared_page*>(
      mmap(nullptr, sizeof(shared_page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  return *page;
}

void complain(const char* what, int answer = 0) {
  if (board().complaint[0] == '\0') {
    snprintf(board().complaint, sizeof board().complaint, "%s (%d)", what, answer);
  }
}

// All mappings but the stack and the heap, which grow.
size_t mapped_bytes() {
  static char text[size_t{1} << 18];
  const int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  size_t length = 0;
  for (ssize_t n = 1; n > 0; length += static_cast<size_t>(n)) {
    n = read(maps, text + length, sizeof text - 1 - length);
    CHILD_CHECK(n >= 0);
  }
  close(maps);
  text[length] = '\0';
  size_t sum = 0;
  for (char* line = strtok(text, "\n"); line != nullptr; line = strtok(nullptr, "\n")) {
    char* end = nullptr;
    const uintptr_t from = strtoul(line, &end, 16), to = strtoul(end + 1, nullptr, 16);
    if (strstr(line, "[stack]") == nullptr && strstr(line, "[heap]") == nullptr) sum += to - from;
  }
  return sum;
}

uint64_t blocked_signals() {
  uint64_t mask = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &mask, sizeof mask);
  return mask;
}

class supervised_stage : public stage {
 public:
  void begin() override {
    mask_ = blocked_signals();
    board().observed.store(true);
  }
  void end() override {
    board().observed.store(false);
    if (blocked_signals() != mask_) complain("another signal mask");
  }
  int judge(const answers& permitted, int answer) override {
    if (answer != permitted.expected && !permits(permitted, answer)) complain("answered", answer);
    return answer;
  }
  bool failing() const override { return board().failing.load(); }
  bool mappings_failed() const override { return board().mappings_failed.load(); }

 private:
  bool permits(const answers& permitted, int answer) const {
    if (!failing()) return false;
    return (permitted.any_error && answer < 0) ||
           std::find(permitted.others.begin(), permitted.others.end(), answer) != permitted.others.end();
  }

  uint64_t mask_ = 0;
};

[[noreturn]] void play_twice(const scenario& what, notifications& supervisor) {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  // What the test itself keeps, beside its heap, is not always the same.
  const size_t mapped_before = mapped_bytes();
  if (what.dies_by == 0) catch_declined_faults();
  if (what.installed) CHILD_CHECK(nosigbus_install(0) == 0);
  supervisor.ask();
  supervised_stage stage;
  what.play(stage);
  board().failing.store(false);
  what.play(stage);
  const size_t mapped = mapped_bytes();
  CHILD_CHECK(mapped >= mapped_before);
  board().left = {mapped - mapped_before, count_descriptors()};
  _exit(0);
}

class supervisor {
 public:
  supervisor(pid_t child, const scenario& what, const std::optional<failure>& how, report& out)
      : child_(child), what_(what), how_(how), out_(out) {}

  std::optional<long> decide(pid_t thread, const system_call& call) {
    const bool other_thread = thread != child_;
    if (other_thread != what_.other_threads || !board().observed.load() || !board().failing.load() ||
        is_foreign(call.number)) {
      return {};
    }
    std::optional<long> result;
    // What the handler returns by is no call that could fail.
    if (call.number != SYS_rt_sigreturn && is_to_fail(call)) {
      result = result_of_failed(thread, call, how_->error);
      if (result) note_failed(call);
    }
    out_.calls.push_back(call);
    return result;
  }
  // The same is not done without an end.
  bool goes_on() const {
    constexpr size_t endless = 20'000;
    return out_.calls.size() < endless;
  }

 private:
  bool is_to_fail(const system_call& call) const {
    if (!how_ || how_->number != call.number) return false;
    const auto is_same = [&](const system_call& before) { return before.number == call.number; };
    return !how_->nth || std::count_if(out_.calls.begin(), out_.calls.end(), is_same) ==
                             static_cast<std::ptrdiff_t>(*how_->nth);
  }

  bool is_foreign(int number) const { return what_.foreign.count(name_of_system_call(number)) != 0; }

  void note_failed(const system_call& call) {
    ++out_.failed;
    const bool advice = call.number == SYS_madvise && (how_->error == ENOMEM || how_->error == EINVAL);
    if (advice || call.number == SYS_mmap || call.number == SYS_mremap) board().mappings_failed.store(true);
    const size_t page = page_size();
    if (call.number == SYS_brk) out_.unmappable += instead_of_brk;
    if (call.number == SYS_munmap) out_.unmappable += (call.arguments[1] + page - 1) / page * page;
    // Release closes nothing of which it cannot tell that it is its own still.
    if (call.number == SYS_close || call.number == SYS_fstat) ++out_.unclosable;
  }

  const pid_t child_;
  const scenario& what_;
  const std::optional<failure>& how_;
  report& out_;
};

}  // namespace

report supervise(const scenario& what, const std::optional<failure>& how) {
  shared_page& page = board();
  page.observed.store(false);
  page.failing.store(true);
  page.mappings_failed.store(false);
  page.left = {};
  page.complaint[0] = '\0';
  report out;
  notifications asked;
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) play_twice(what, asked);
  supervisor all(child, what, how, out);
  const auto decide = [&all](pid_t thread, const system_call& call) { return all.decide(thread, call); };
  if (!asked.answer(decide, [&all] { return all.goes_on(); })) kill(child, SIGKILL);
  out.end = wait_for(child, 20);
  out.left = page.left;
  out.complaint = page.complaint;
  return out;
}

}  // namespace test
