// SPDX-License-Identifier: MIT
//
// Programs whose handler for SIGBUS changes what is in place while it is at work, or leaves in other ways.
#include <setjmp.h>
#include <signal.h>

#include <cstring>

#include "scenario.h"

using namespace preload_test;

namespace {

volatile sig_atomic_t g_calls, g_others;

void install(void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  EXPECT(sigaction(SIGBUS, &action, nullptr) == 0);
}

constexpr int for_once = static_cast<int>(SA_RESETHAND) | SA_NODEFER;

void counts_others(int) { g_others = g_others + 1; }
void arms_itself_again(int) {
  g_calls = g_calls + 1;
  install(arms_itself_again, for_once);
}
void arms_itself_as_in_1980(int signo) {
  g_calls = g_calls + 1;
  sysv_signal(signo, SIG_IGN);
  sysv_signal(signo, arms_itself_as_in_1980);
}
void hands_over(int) {
  g_calls = g_calls + 1;
  install(counts_others, 0);
}
void has_a_stand_in(int) {
  g_calls = g_calls + 1;
  struct sigaction stand_in {
  }, own{};
  stand_in.sa_handler = counts_others;
  EXPECT(sigaction(SIGBUS, &stand_in, &own) == 0);
  EXPECT(sigaction(SIGBUS, &own, nullptr) == 0);
}

// Over the page that is missing.
void* replace_page(const siginfo_t* info, int prot) {
  void* const at = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(info->si_addr) & ~(page - 1));
  return mmap(at, page, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at ? at : nullptr;
}
void install_info(void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  EXPECT(sigaction(SIGBUS, &action, nullptr) == 0);
}
void writes_sevens(int, siginfo_t* info, void*) {
  g_calls = g_calls + 1;
  void* const at = replace_page(info, PROT_READ | PROT_WRITE);
  EXPECT(at != nullptr);
  memset(at, 7, page);
}
void changes_protection_first(int, siginfo_t* info, void*) {
  g_calls = g_calls + 1;
  void* const at = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(info->si_addr) & ~(page - 1));
  EXPECT(mprotect(at, page, PROT_READ) == 0);
  EXPECT(replace_page(info, PROT_READ) != nullptr);
}
void takes_it_away(int, siginfo_t* info, void*) {
  g_calls = g_calls + 1;
  EXPECT(replace_page(info, PROT_NONE) != nullptr);
}

void throws(int signo) { throw signo; }
int read_byte(const mapped_file& file) { return file[page]; }
int (*volatile g_read)(const mapped_file&) =
    read_byte;  // of which the compiler cannot know that it does not throw

int (*g_give_up)(int signo);
void gives_up_with_its_group(int signo) {
  g_calls = g_calls + 1;
  signal(signo, SIG_DFL);
  g_give_up(signo);
}
void gives_up_by(int (*way)(int signo)) {
  EXPECT(setpgid(0, 0) == 0);  // the tests are not of it
  g_give_up = way;
  install(gives_up_with_its_group, 0);
  fault_and_unmap();
  fault_and_unmap();
  EXPECT(g_calls == 2);
}

struct sigaction g_displaced;
void gives_way(int signo) {
  g_calls = g_calls + 1;
  EXPECT(sigaction(SIGBUS, &g_displaced, nullptr) == 0);
  raise(signo);
}

}  // namespace

SCENARIO(a_handler_that_arms_itself_again) {
  install(arms_itself_again, for_once);
  for (int i = 1; i < 4; ++i) {
    fault_and_unmap();
    EXPECT(g_calls == i);
  }
}
SCENARIO(a_handler_that_arms_itself_as_in_1980) {
  sysv_signal(SIGBUS, arms_itself_as_in_1980);
  for (int i = 1; i < 4; ++i) {
    fault_and_unmap();
    EXPECT(g_calls == i);
  }
}
SCENARIO(a_handler_that_hands_over) {
  install(hands_over, 0);
  fault_and_unmap();
  fault_and_unmap();
  fault_and_unmap();
  EXPECT(g_calls == 1 && g_others == 2);
}
SCENARIO(a_handler_with_a_stand_in) {
  install(has_a_stand_in, 0);
  fault_and_unmap();
  fault_and_unmap();
  EXPECT(g_calls == 2 && g_others == 0);
}
SCENARIO(a_handler_that_gives_way_to_whom_it_displaced) {
  install(counts_others, 0);
  struct sigaction action {};
  action.sa_handler = gives_way;
  EXPECT(sigaction(SIGBUS, &action, &g_displaced) == 0);
  fault_and_unmap();
  fault_and_unmap();
  EXPECT(g_calls == 2 && g_others == 0);
}
SCENARIO(an_action_is_written_over_the_one_that_was_given) {
  struct sigaction both {};
  both.sa_handler = counts_others;
  struct sigaction* volatile old = &both;  // the compiler is not to see what the kernel permits
  EXPECT(sigaction(SIGBUS, &both, old) == 0);
  EXPECT(both.sa_handler == SIG_DFL);
  fault_and_unmap();
  EXPECT(raise(SIGBUS) == 0);
  EXPECT(g_others == 2);
}

// What the program could not write is the handler's own from then on.
SCENARIO(a_handler_that_writes_where_the_program_could_not) {
  install_info(writes_sevens);
  const mapped_file file(4, MAP_SHARED, PROT_READ);
  file.truncate(0);
  EXPECT(file[page] == 7);
  file.grow_back(9);
  usleep(200'000);
  EXPECT(file[page] == 7);
  file[page] = 8;
  EXPECT(file[page] == 8);
  EXPECT(file[2 * page] == 9);
  EXPECT(g_calls == 1);
}
SCENARIO(a_handler_that_writes_to_a_file_that_is_not_to_be_written) {
  install_info(writes_sevens);
  const mapped_file file(4, MAP_SHARED, PROT_READ | PROT_WRITE, mapped_file::where::disk);
  file.truncate(0);
  EXPECT(file[page] == 7);
  EXPECT(g_calls == 1);
}
// The zeros are as writable as what they stand for, and healed.
SCENARIO(a_handler_that_writes_where_the_program_could) {
  install_info(writes_sevens);
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 7);
  file.grow_back(9);
  EXPECT(becomes(file[page], 9));
  EXPECT(g_calls == 1);
}
SCENARIO(a_handler_that_changes_the_protection_first) {
  install_info(changes_protection_first);
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
  EXPECT(g_calls == 1);
}
SCENARIO(a_handler_that_makes_it_inaccessible) {
  install_info(takes_it_away);
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
  EXPECT(false);
}

// Its stack is part of a frame that is still there.
SCENARIO(a_handler_that_leaves_by_an_exception) {
  char stack[1 << 15];
  const stack_t alternate{stack, 0, sizeof stack};
  EXPECT(sigaltstack(&alternate, nullptr) == 0);
  for (int i = 0; i < 2; ++i) {
    install(throws, SA_ONSTACK | SA_NODEFER);
    const mapped_file file(4);
    file.truncate(0);
    int caught = 0;
    try {
      EXPECT(g_read(file) == 99);
    } catch (int signo) {
      caught = signo;
    }
    EXPECT(caught == SIGBUS);
    EXPECT(munmap(file.address(), file.size()) == 0);
    EXPECT(signal(SIGBUS, SIG_IGN) == throws);
    EXPECT(raise(SIGBUS) == 0);
    EXPECT(signal(SIGBUS, counts_others) == SIG_IGN);
    EXPECT(raise(SIGBUS) == 0);
    EXPECT(g_others == i + 1);
  }
}

SCENARIO(a_handler_that_kills_its_group) {
  gives_up_by([](int signo) { return killpg(0, signo); });
}
SCENARIO(a_handler_that_kills_its_group_by_number) {
  gives_up_by([](int signo) { return killpg(getpgrp(), signo); });
}
SCENARIO(a_handler_that_kills_its_group_as_a_process) {
  gives_up_by([](int signo) { return kill(0, signo); });
}
