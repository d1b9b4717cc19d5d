// SPDX-License-Identifier: MIT
//
// A program to run: what its arguments say, one after the other. It writes journal records as the drop-in
// does.
#include <fcntl.h>
#include <linux/futex.h>
#include <nosigbus/fault.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "journal_client.h"

namespace {

using nosigbus::preload::journal;
using nosigbus::preload::journal_record;

journal* g_journal = nullptr;
journal_record* g_record = nullptr;  // the last one

void tell() {
  g_journal->news.fetch_add(1);
  if (g_journal->watched.load() != 0)
    syscall(SYS_futex, &g_journal->news, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

// One that is called from main alone: with its callers, to be found by name.
__attribute__((noinline)) void name_of_the_culprit(journal_record& record) {
  record.callers[0] = reinterpret_cast<uintptr_t>(&name_of_the_culprit);
  record.callers[1] = reinterpret_cast<uintptr_t>(__builtin_return_address(0));
  record.callers_length = 2;
  asm volatile("" ::: "memory");
}

void record(const char* name) {
  static uint32_t next = 0;
  journal_record& out = g_journal->records[next++ * 17 % journal::capacity];
  out.pid = getpid();
  out.tid = static_cast<int32_t>(syscall(SYS_gettid));
  out.address = 0x7f0000000000;
  out.size = 65536;
  out.first_bad = 4096;
  out.time = 1'700'000'000'123'456'789;
  out.cause = NOSIGBUS_EOF;
  out.access = NOSIGBUS_READ;
  out.kind = 1;
  out.guarded = 1;
  snprintf(out.program, sizeof out.program, "%s", "subject");
  snprintf(out.name, sizeof out.name, "%s", name);
  if (getenv("NOSIGBUS_BACKTRACE")[0] == '1') name_of_the_culprit(out);
  g_journal->claimed.fetch_add(1);
  out.state.store(journal_record::complete, std::memory_order_release);
  g_record = &out;
}

void count(std::atomic<uint64_t> journal_record::*what) {
  g_record->faults.fetch_add(1);
  (g_record->*what).fetch_add(1);
  if (what == &journal_record::zeros) g_record->damaged.store(1);
  tell();
}

void wait_for(int signo) {
  static volatile sig_atomic_t got = 0;
  struct sigaction action {};
  action.sa_handler = [](int which) { got = which; };
  sigaction(signo, &action, nullptr);
  sigset_t only, before;
  sigemptyset(&only);
  sigaddset(&only, signo);
  sigprocmask(SIG_BLOCK, &only, &before);
  sigdelset(&before, signo);
  printf("ready\n");
  fflush(stdout);
  while (got != signo) sigsuspend(&before);
  got = 0;
}

void die(int signo) {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  signal(signo, SIG_DFL);
  raise(signo);
}

}  // namespace

int main(int argc, char** argv) {
  g_journal = test::open_journal();
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "zeros") count(&journal_record::zeros);
    if (word == "passed") count(&journal_record::passed);
    if (word == "healed") {
      g_record->damaged.store(0);
      g_record->healed.fetch_add(1);
      tell();
    }
    if (word == "gone") {
      g_record->damaged.store(journal_record::gone_now);
      g_record->gone.fetch_add(1);
      tell();
    }
    if (word == "lost") g_journal->lost.fetch_add(1);
    if (word == "sleep") usleep(200'000);
    if (i + 1 == argc) continue;
    const char* const next = argv[i + 1];
    if (word == "record") record(next);
    if (word == "exit") _exit(atoi(next));
    if (word == "die") die(atoi(next));
    if (word == "raise") raise(atoi(next));
    if (word == "wait") wait_for(atoi(next));
    if (word == "variable") printf("%s\n", getenv(next) == nullptr ? "(none)" : getenv(next));
  }
  return 0;
}
