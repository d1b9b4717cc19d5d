// SPDX-License-Identifier: MIT
//
// Faults that are nobody's: they reach the handler that was there before, which leaves, or mends the page.
#include <setjmp.h>
#include <signal.h>

#include <nosigbus/nosigbus.hpp>

#include "../cut_file.h"

namespace storms {

namespace {

// Of the thread: where its handler leaves to, and the page that it mends instead.
thread_local sigjmp_buf* t_way_out = nullptr;
thread_local unsigned char* t_mends = nullptr;

void previous_handler(int signo, siginfo_t* info, void*) {
  auto* const at = static_cast<unsigned char*>(info->si_addr);
  if (t_mends != nullptr && at >= t_mends && at < t_mends + page) {
    mmap(t_mends, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  } else if (t_way_out != nullptr) {
    siglongjmp(*t_way_out, 1);
  } else {
    signal(signo, SIG_DFL);
  }
}

void install_on_top() {
  struct sigaction action {};
  action.sa_sigaction = previous_handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  CHILD_CHECK(sigaction(SIGBUS, &action, nullptr) == 0);
  install();
}

class chained : public task {
 public:
  explicit chained(uint64_t seed) : task(seed) {}

  // With a guarded copy in between, which the handler never hears of.
  void round() override {
    file_.recut(random_);
    for (int i = 0; i < 32; ++i) {
      const size_t offset = file_.good() + below(file_.size() - file_.good());
      if (below(2) == 0) {
        leave(offset);
      } else {
        mend(offset);
      }
      unsigned char byte = 1;
      expect(nosigbus_safe_read(&byte, file_.at() + offset, 1) == 0 && byte == 0,
             "a copy beside other handlers");
      ++met_;
    }
    expect_bytes(file_.at(), file_.model(), file_.good(), "what is left of the file");
  }

 private:
  void leave(size_t offset) {
    sigjmp_buf out;
    volatile bool returned = false;
    t_way_out = &out;
    if (sigsetjmp(out, 1) == 0) {
      (void)const_cast<const volatile unsigned char*>(file_.at())[offset];
      returned = true;
    }
    t_way_out = nullptr;
    expect(!returned, "a handler that was there before has left");
  }
  void mend(size_t offset) {
    t_mends = file_.at() + offset / page * page;
    expect(const_cast<const volatile unsigned char*>(file_.at())[offset] == 0,
           "what the handler before us mended");
    CHILD_CHECK(mmap(t_mends, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file_.fd(),
                     static_cast<off_t>(offset / page * page)) == t_mends);
    t_mends = nullptr;
  }

  cut_file file_;
};

uint64_t handed_on() { return nosigbus::stats().chained; }

const registration g_chained{{"chained", "plain reads, handed on to the handler before ours", 10, 2,
                              install_on_top, make<chained>, handed_on}};

}  // namespace

}  // namespace storms
