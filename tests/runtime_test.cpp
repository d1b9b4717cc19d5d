// SPDX-License-Identifier: MIT
//
// Installing the handler, taking it away, asking about it.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <errno.h>
#include <nosigbus/copy.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <pthread.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "support/child.h"
#include "support/shared_file.h"

namespace {

using namespace test;

struct sigaction action_of(int signo) {
  struct sigaction action {};
  sigaction(signo, nullptr, &action);
  return action;
}

bool same_handler(const struct sigaction& a, const struct sigaction& b) {
  return a.sa_sigaction == b.sa_sigaction && a.sa_flags == b.sa_flags &&
         memcmp(&a.sa_mask, &b.sa_mask, sizeof(uint64_t)) == 0;
}

// Taken when the library has been linked and has run its constructors, before main.
const struct sigaction g_at_start[] = {action_of(SIGBUS), action_of(SIGSEGV)};

bool is_from_library(const struct sigaction& action) {
  Dl_info where{}, library{};
  CHILD_CHECK(dladdr(reinterpret_cast<void*>(&nosigbus_install), &library) != 0);
  return dladdr(reinterpret_cast<void*>(action.sa_sigaction), &where) != 0 &&
         where.dli_fbase == library.dli_fbase;
}

bool takes(int signo) { return is_from_library(action_of(signo)); }

void plain(int) {}
void with_info(int, siginfo_t*, void*) {}
void on_top(int, siginfo_t*, void*) {}

// Every shape that a previous action can have.
std::vector<struct sigaction> previous_actions() {
  std::vector<struct sigaction> all;
  for (const int flags : {0, SA_NODEFER, static_cast<int>(SA_RESETHAND), SA_ONSTACK, SA_RESTART,
                          SA_NODEFER | SA_ONSTACK | SA_RESTART}) {
    for (const bool full : {false, true}) {
      struct sigaction action {};
      if (full) sigfillset(&action.sa_mask);
      action.sa_flags = flags;
      action.sa_handler = plain;
      all.push_back(action);
      action.sa_handler = SIG_DFL;
      all.push_back(action);
      action.sa_handler = SIG_IGN;
      all.push_back(action);
      action.sa_sigaction = with_info;
      action.sa_flags |= SA_SIGINFO;
      all.push_back(action);
    }
  }
  return all;
}

void put_on_top(int signo) {
  struct sigaction action {};
  action.sa_sigaction = on_top;
  action.sa_flags = SA_SIGINFO;
  CHILD_CHECK(sigaction(signo, &action, nullptr) == 0);
}

void set_default_actions() {
  signal(SIGBUS, SIG_DFL);
  signal(SIGSEGV, SIG_DFL);
}

// In a child: what one case does to the process's actions concerns no other.
template <class F>
void isolated(F fn) {
  CHECK(in_child([&] {
          set_default_actions();
          fn();
          return 0;
        }) == exited(0));
}

}  // namespace

TEST_CASE("Nothing is installed before it is asked for") {
  CHECK_FALSE(is_from_library(g_at_start[0]));
  CHECK_FALSE(is_from_library(g_at_start[1]));
  isolated([] {
    const struct sigaction bus = action_of(SIGBUS), segv = action_of(SIGSEGV);
    CHILD_CHECK(nosigbus_check() == -ENOENT);
    const shared_file file(page_size());
    nosigbus_region* region = nullptr;
    CHILD_CHECK(nosigbus_map(&region, file.fd(), 0, page_size(), PROT_READ, 0) == 0);
    char byte;
    CHILD_CHECK(nosigbus_safe_read(&byte, nosigbus_region_data(region), 1) == 1);
    CHILD_CHECK(nosigbus_region_release(region) == 0);
    CHILD_CHECK(same_handler(action_of(SIGBUS), bus) && same_handler(action_of(SIGSEGV), segv));
    CHILD_CHECK(nosigbus_install(0) == 0);
    CHILD_CHECK(takes(SIGBUS));
    CHILD_CHECK(same_handler(action_of(SIGSEGV), segv));
  });
}

TEST_CASE("install is idempotent, adds flags, and refuses those it does not know") {
  isolated([] {
    for (const unsigned unknown : {0x2u, 0x80000000u, NOSIGBUS_CATCH_SEGV | 0x4u, ~0u}) {
      CHILD_CHECK(nosigbus_install(unknown) == -EINVAL);
    }
    CHILD_CHECK(!takes(SIGBUS) && !takes(SIGSEGV));
    CHILD_CHECK(nosigbus_check() == -ENOENT);
    CHILD_CHECK(nosigbus_install(0) == 0);
    const struct sigaction bus = action_of(SIGBUS);
    CHILD_CHECK(nosigbus_install(0) == 0);
    CHILD_CHECK(nosigbus_install(~0u) == -EINVAL);
    CHILD_CHECK(!takes(SIGSEGV));
    CHILD_CHECK(nosigbus_install(NOSIGBUS_CATCH_SEGV) == 0);
    CHILD_CHECK(takes(SIGSEGV));
    CHILD_CHECK(nosigbus_install(0) == 0);
    CHILD_CHECK(takes(SIGSEGV));
    CHILD_CHECK(same_handler(action_of(SIGBUS), bus));
    char byte = 1;
    CHILD_CHECK(nosigbus_safe_read(&byte, nullptr, 1) == 0);
    CHILD_CHECK(byte == 0);
    // Once undoes them all, flags included.
    CHILD_CHECK(nosigbus_uninstall() == 0);
    CHILD_CHECK(!takes(SIGBUS) && !takes(SIGSEGV));
    CHILD_CHECK(nosigbus_uninstall() == -ENOENT);
    CHILD_CHECK(nosigbus_install(0) == 0);
    CHILD_CHECK(!takes(SIGSEGV));
  });
}

TEST_CASE("uninstall restores the previous action to the bit") {
  for (const struct sigaction& previous : previous_actions()) {
    isolated([&] {
      for (const int signo : {SIGBUS, SIGSEGV}) CHILD_CHECK(sigaction(signo, &previous, nullptr) == 0);
      const struct sigaction bus = action_of(SIGBUS), segv = action_of(SIGSEGV);
      for (int i = 0; i < 3; ++i) {
        CHILD_CHECK(nosigbus_install(i == 0 ? 0 : NOSIGBUS_CATCH_SEGV) == 0);
        CHILD_CHECK(takes(SIGBUS) && takes(SIGSEGV) == (i != 0));
        CHILD_CHECK(nosigbus_uninstall() == 0);
        CHILD_CHECK(same_handler(action_of(SIGBUS), bus));
        CHILD_CHECK(same_handler(action_of(SIGSEGV), segv));
      }
    });
  }
}

TEST_CASE("uninstall is refused while a region lives and while displaced") {
  isolated([] {
    CHILD_CHECK(nosigbus_uninstall() == -ENOENT);
    CHILD_CHECK(nosigbus_install(NOSIGBUS_CATCH_SEGV) == 0);
    const shared_file file(page_size());
    nosigbus_region* region = nullptr;
    CHILD_CHECK(nosigbus_map(&region, file.fd(), 0, page_size(), PROT_READ, 0) == 0);
    CHILD_CHECK(nosigbus_uninstall() == -EBUSY);
    CHILD_CHECK(takes(SIGBUS) && takes(SIGSEGV));
    CHILD_CHECK(nosigbus_region_release(region) == 0);
    const struct sigaction ours = action_of(SIGBUS);
    for (const int signo : {SIGBUS, SIGSEGV}) {
      const struct sigaction before = action_of(signo);
      put_on_top(signo);
      CHILD_CHECK(nosigbus_uninstall() == -EBUSY);
      CHILD_CHECK(action_of(signo).sa_sigaction == on_top);
      CHILD_CHECK(sigaction(signo, &before, nullptr) == 0);
    }
    CHILD_CHECK(same_handler(action_of(SIGBUS), ours));
    CHILD_CHECK(nosigbus_uninstall() == 0);
  });
}

TEST_CASE("check tells: installed, not, displaced, blocked") {
  isolated([] {
    CHILD_CHECK(nosigbus_check() == -ENOENT);
    CHILD_CHECK(nosigbus_install(0) == 0);
    CHILD_CHECK(nosigbus_check() == 0);
    sigset_t bus;
    sigemptyset(&bus);
    sigaddset(&bus, SIGBUS);
    pthread_sigmask(SIG_BLOCK, &bus, nullptr);
    CHILD_CHECK(nosigbus_check() == -EPERM);
    int in_thread = 0;
    std::thread([&] {  // inherits the mask, and has its own
      pthread_sigmask(SIG_UNBLOCK, &bus, nullptr);
      in_thread = nosigbus_check();
    })
        .join();
    CHILD_CHECK(in_thread == 0);
    CHILD_CHECK(nosigbus_check() == -EPERM);
    pthread_sigmask(SIG_UNBLOCK, &bus, nullptr);
    CHILD_CHECK(nosigbus_check() == 0);
    put_on_top(SIGSEGV);  // not ours to miss
    CHILD_CHECK(nosigbus_check() == 0);
    put_on_top(SIGBUS);
    CHILD_CHECK(nosigbus_check() == -EBUSY);
    CHILD_CHECK(nosigbus_install(0) == 0);  // does not push itself in front
    CHILD_CHECK(nosigbus_check() == -EBUSY);
  });
}

TEST_CASE("rearm puts the handler back on top, and whoever displaced it behind") {
  isolated([] {
    CHILD_CHECK(nosigbus_rearm() == -ENOENT);
    CHILD_CHECK(!takes(SIGBUS));
    CHILD_CHECK(nosigbus_install(0) == 0);
    const struct sigaction ours = action_of(SIGBUS);
    CHILD_CHECK(nosigbus_rearm() == 0);
    CHILD_CHECK(same_handler(action_of(SIGBUS), ours));
    put_on_top(SIGBUS);
    put_on_top(SIGSEGV);
    const struct sigaction top = action_of(SIGBUS);
    CHILD_CHECK(nosigbus_rearm() == 0);
    CHILD_CHECK(takes(SIGBUS));
    CHILD_CHECK(!takes(SIGSEGV));  // never asked for
    CHILD_CHECK(nosigbus_check() == 0);
    CHILD_CHECK(raise(SIGBUS) == 0);  // and on_top is called: SIG_DFL would kill
    CHILD_CHECK(nosigbus_uninstall() == 0);
    CHILD_CHECK(same_handler(action_of(SIGBUS), top));
  });
}

TEST_CASE("install, rearm, check and uninstall in eight threads at once") {
  isolated([] {
    put_on_top(SIGBUS);
    const struct sigaction previous = action_of(SIGBUS);
    std::atomic<int> ready{0}, wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        ++ready;
        while (ready.load() != 8) std::this_thread::yield();
        for (int i = 0; i < 500; ++i) {
          wrong += nosigbus_install(t % 2 == 0 ? 0 : NOSIGBUS_CATCH_SEGV) != 0;
          wrong += nosigbus_check() == -EPERM;
          const int armed = nosigbus_rearm(), removed = nosigbus_uninstall();
          wrong += armed != 0 && armed != -ENOENT;
          wrong += removed != 0 && removed != -ENOENT;
        }
      });
    }
    for (std::thread& t : threads) t.join();
    CHILD_CHECK(wrong == 0);
    CHILD_CHECK(nosigbus_uninstall() == -ENOENT);
    CHILD_CHECK(same_handler(action_of(SIGBUS), previous));
    CHILD_CHECK(action_of(SIGSEGV).sa_handler == SIG_DFL);
  });
}

TEST_CASE("Eight threads that install at once install one handler, with the flags of all") {
  for (int round = 0; round < 20; ++round) {
    isolated([] {
      std::atomic<int> ready{0}, wrong{0};
      std::vector<std::thread> threads;
      for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
          ++ready;
          while (ready.load() != 8) std::this_thread::yield();
          wrong += nosigbus_install(t == 0 ? NOSIGBUS_CATCH_SEGV : 0) != 0;
          wrong += nosigbus_check() != 0;
        });
      }
      for (std::thread& t : threads) t.join();
      CHILD_CHECK(wrong == 0);
      CHILD_CHECK(takes(SIGBUS) && takes(SIGSEGV));
      CHILD_CHECK(nosigbus_uninstall() == 0);
      CHILD_CHECK(action_of(SIGBUS).sa_handler == SIG_DFL && action_of(SIGSEGV).sa_handler == SIG_DFL);
    });
  }
}
