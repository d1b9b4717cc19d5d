// SPDX-License-Identifier: MIT
//
// What the handler hands on.
#include <nosigbus/runtime.h>
#include <signal.h>
#include <time.h>

#include "scenario.h"
#include "scene.h"

namespace test {

namespace {

const std::string default_action = "a signal that gets the default action", region = "a fault in a region";
const std::vector<std::string> to_default{default_action}, looked_at_and_to_default{default_action, region},
    to_handler{"a signal that goes to the handler before"};

// A page past the end of its file, outside every region. Unmaps it.
class foreign_page {
 public:
  foreign_page() { file_.resize(page_size()); }
  ~foreign_page() { munmap(begin_, 2 * page_size()); }
  foreign_page(const foreign_page&) = delete;
  foreign_page& operator=(const foreign_page&) = delete;
  unsigned char* bad() const { return begin_ + page_size(); }

 private:
  shared_file file_{2 * page_size()};
  unsigned char* begin_ = file_.map(2 * page_size());
};

int read_byte(const unsigned char* at) { return *const_cast<const volatile unsigned char*>(at); }

// What becomes of a signal that was sent, where a filter lets nobody send it again.
constexpr int lost = 1;

// Sends SIGBUS without a system call at the time.
void arm_timer() {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGBUS;
  timer_t timer;
  CHILD_CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
  itimerspec soon{};
  soon.it_value.tv_nsec = 20'000'000;
  CHILD_CHECK(timer_settime(timer, 0, &soon, nullptr) == 0);
}

// By the vDSO, without a system call.
int wait_for_signal() {
  const auto now = [] {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000 + time.tv_nsec / 1'000'000;
  };
  for (const long begun = now(); now() - begun < 300;) {
  }
  return lost;
}

void add_deaths(std::vector<scenario>& all) {
  all.push_back({"a fault outside of every region kills", to_default,
                 [](stage& on) {
                   const foreign_page page;
                   on.observe(answers{-1, {}}, [&] { return read_byte(page.bad()); });
                 },
                 SIGBUS});
  all.push_back({"a write that a region does not absorb kills", looked_at_and_to_default,
                 [](stage& on) {
                   scene what({origin::mapped, 0, PROT_READ | PROT_WRITE, 4});
                   what.cut_off(1);
                   on.observe(answers{-1, {}}, [&] { return touch_to_write(what.at_page(2), 1); });
                 },
                 SIGBUS});
  all.push_back({"a signal that was sent kills", to_default,
                 [](stage& on) {
                   arm_timer();
                   on.observe(answers{-1, {lost}}, wait_for_signal);
                 },
                 SIGBUS});
  all.push_back({"a write to the overlay of a region kills", to_default,
                 [](stage& on) {
                   scene what({origin::mapped, 0, PROT_READ | PROT_WRITE, 4});
                   what.cut_off(1);
                   CHILD_CHECK(touch(what.at_page(2), 0) == touch_right);
                   on.observe(answers{-1, {}}, [&] { return touch_to_write(what.at_page(2), 1); });
                 },
                 SIGSEGV});
}

void add_handlers(std::vector<scenario>& all) {
  all.push_back({"a fault that the handler before gets", to_handler, [](stage& on) {
                   const foreign_page page;
                   on.observe(answers{touch_declined, {}}, [&] { return touch(page.bad(), 0); });
                 }});
  all.push_back({"a fault that the handler before gets, after rearm", to_handler, [](stage& on) {
                   const foreign_page page;
                   // One that rearm has put there in front of another.
                   CHILD_CHECK(signal(SIGBUS, SIG_IGN) != SIG_ERR);
                   CHILD_CHECK(nosigbus_rearm() == 0);
                   catch_declined_faults();
                   CHILD_CHECK(nosigbus_rearm() == 0);
                   on.observe(answers{touch_declined, {}}, [&] { return touch(page.bad(), 0); });
                 }});
}

}  // namespace

std::vector<scenario> chain_scenarios() {
  std::vector<scenario> all;
  add_deaths(all);
  add_handlers(all);
  return all;
}

}  // namespace test
