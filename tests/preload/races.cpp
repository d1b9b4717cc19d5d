// SPDX-License-Identifier: MIT
//
// Threads that change mappings, and make files, while another one meets damage for the first time: nothing is
// guarded when they begin.
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <ctime>
#include <fstream>
#include <random>
#include <thread>

#include "scenario.h"

using namespace preload_test;

namespace {

constexpr size_t race_pages = 512;
constexpr unsigned char canary = 0xc3;

// Lets another thread read the first page of a damaged mapping, at about the time at which this one acts.
class racing_reader {
 public:
  racing_reader() : thread_([this] { read(); }) {}
  ~racing_reader() {
    over_ = true;
    thread_.join();
  }

  template <class Act>
  void race(const mapped_file& file, Act act) {
    constexpr unsigned long longest = 40'000;
    page_ = file.data();
    const unsigned long delay = random_() % longest;
    ++started_;
    for (unsigned long i = 0; i < delay; ++i) asm volatile("");
    act();
    while (done_ != started_) {
    }
  }

 private:
  void read() {
    for (int turn = 1; !over_;) {
      if (started_ != turn) continue;
      EXPECT(page_[0] == 0);
      done_ = turn++;
    }
  }

  std::minstd_rand random_{1};
  volatile unsigned char* volatile page_ = nullptr;
  std::atomic<int> started_{0}, done_{0};
  std::atomic<bool> over_{false};
  std::thread thread_;
};

bool seconds_left(time_t end) { return time(nullptr) < end; }

bool has_canaries(const unsigned char* bytes, size_t size) {
  for (size_t i = 0; i < size; i += page) {
    if (bytes[i] != canary) return false;
  }
  return true;
}

void put_canaries(unsigned char* bytes, size_t size) {
  for (size_t i = 0; i < size; i += page) bytes[i] = canary;
}

// Whether an overlay of the drop-in is at the address.
bool overlaid(const void* address) {
  const auto at = reinterpret_cast<uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    size_t length = 0;
    const uintptr_t begin = std::stoul(line, &length, 16),
                    end = std::stoul(line.substr(length + 1), nullptr, 16);
    if (at >= begin && at < end) return line.find("/dev/zero") != std::string::npos;
  }
  return false;
}

// The front of a mapping faults while `take_tail` puts other memory in the place of its tail.
template <class TakeTail>
void race_for_the_tail(TakeTail take_tail) {
  constexpr size_t half = race_pages / 2 * page;
  racing_reader reader;
  for (const time_t end = time(nullptr) + 4; seconds_left(end);) {
    const mapped_file file(race_pages);
    file.truncate(0);
    auto* const tail = static_cast<unsigned char*>(file.address(half));
    bool taken = false;
    reader.race(file, [&] {
      taken = take_tail(tail, half) == tail;
      if (taken) put_canaries(tail, half);
    });
    // What the handler maps for itself can come to lie there, too.
    EXPECT(taken ? has_canaries(tail, half) : !overlaid(tail));
    EXPECT(munmap(file.address(), file.size()) == 0);
  }
}

constexpr int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;

}  // namespace

SCENARIO(a_tail_is_unmapped_at_the_first_fault) {
  race_for_the_tail([](void* tail, size_t size) {
    EXPECT(munmap(tail, size) == 0);
    return mmap(tail, size, PROT_READ | PROT_WRITE, anonymous | MAP_FIXED_NOREPLACE, -1, 0);
  });
}

SCENARIO(a_tail_is_mapped_over_at_the_first_fault) {
  race_for_the_tail([](void* tail, size_t size) {
    return mmap(tail, size, PROT_READ | PROT_WRITE, anonymous | MAP_FIXED, -1, 0);
  });
}

SCENARIO(a_protection_changes_at_the_first_fault) {
  racing_reader reader;
  for (const time_t end = time(nullptr) + 2; seconds_left(end);) {
    const mapped_file file(race_pages, MAP_SHARED, PROT_READ);
    file.truncate(0);
    reader.race(file, [&] { EXPECT(mprotect(file.address(), file.size(), PROT_READ | PROT_WRITE) == 0); });
    file[5 * page] = 1;
    EXPECT(munmap(file.address(), file.size()) == 0);
  }
}

// A signal handler interrupts calls and leaves them for good: nobody waits for them at the first fault, or
// not for long.
namespace {

sigjmp_buf g_out;
std::atomic<bool> g_leaves{false};
thread_local bool t_leaves = false;

void leave_if_asked(int) {
  if (t_leaves && g_leaves) siglongjmp(g_out, 1);
}

void map_and_be_interrupted() {
  t_leaves = true;
  while (g_leaves) {
    if (sigsetjmp(g_out, 1) != 0) continue;
    for (;;) munmap(mmap(nullptr, page, PROT_READ, anonymous, -1, 0), page);
  }
}

}  // namespace

SCENARIO(calls_are_left_by_longjmp) {
  struct sigaction action {};
  action.sa_handler = leave_if_asked;
  action.sa_flags = SA_RESTART;
  EXPECT(sigaction(SIGUSR1, &action, nullptr) == 0);
  g_leaves = true;
  std::thread mapper(map_and_be_interrupted);
  const auto interrupt = [&] {
    for (int i = 0; i < 20; ++i) {
      pthread_kill(mapper.native_handle(), SIGUSR1);
      usleep(50);
    }
  };
  usleep(10'000);
  alarm(15);
  for (int i = 0; i < 50; ++i) {
    interrupt();
    const mapped_file file(4);
    file.truncate(0);
    EXPECT(file[page] == 0);
    EXPECT(munmap(file.address(), file.size()) == 0);
  }
  // The last one has to arrive.
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[page] == 0);
  _exit(0);
}

// A signal handler meets damage in the middle of calls, on two threads that would wait for each other.
SCENARIO(handlers_fault_in_the_middle_of_calls) {
  static std::atomic<int> faults{0};
  static int memory = memfd_create("shared", MFD_CLOEXEC);
  struct sigaction action {};
  action.sa_handler = [](int) {
    auto* const data =
        static_cast<volatile unsigned char*>(mmap(nullptr, page, PROT_READ, MAP_SHARED, memory, 0));
    EXPECT(data[0] == 0);
    EXPECT(munmap(const_cast<unsigned char*>(data), page) == 0);
    ++faults;
  };
  EXPECT(sigaction(SIGUSR1, &action, nullptr) == 0);
  static std::atomic<bool> over{false};
  const auto map = [] {
    while (!over) {
      auto* const bytes =
          static_cast<unsigned char*>(mmap(nullptr, 4 * page, PROT_READ | PROT_WRITE, anonymous, -1, 0));
      EXPECT(mprotect(bytes, 2 * page, PROT_READ) == 0);
      EXPECT(munmap(bytes, 4 * page) == 0);
    }
  };
  std::thread one(map), two(map);
  alarm(18);
  for (const time_t end = time(nullptr) + 3; seconds_left(end);) {
    const int before = faults;
    pthread_kill(one.native_handle(), SIGUSR1);
    pthread_kill(two.native_handle(), SIGUSR1);
    while (faults < before + 2) usleep(20);
  }
  over = true;
  one.join();
  two.join();
  EXPECT(faults > 20);
}
