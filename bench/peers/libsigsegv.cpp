// SPDX-License-Identifier: MIT
//
// libsigsegv takes SIGSEGV and leaves SIGBUS to kill. What is here is its table of areas, asked by a SIGBUS
// handler that a program would have to write.
#include <sigsegv.h>

#include "technique.h"

namespace peers {

namespace {

sigsegv_dispatcher* areas() {
  static sigsegv_dispatcher* const made = [] {
    auto* const dispatcher = new sigsegv_dispatcher;
    sigsegv_init(dispatcher);
    return dispatcher;
  }();
  return made;
}

void ask(int, siginfo_t* info, void*) {
  if (sigsegv_dispatch(areas(), info->si_addr) == 0) kill_at_return();
}

struct area {
  unsigned char* base;
  size_t size;
  volatile sig_atomic_t bad = 0;
  void* ticket = nullptr;
};

int replace_area(void*, void* known) {
  auto* const a = static_cast<area*>(known);
  a->bad = 1;
  void* const zeros =
      mmap(a->base, a->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  return zeros == MAP_FAILED ? 0 : 1;
}

class by_area : public reader {
 public:
  by_area(int fd, size_t size) : mapping_(fd, size), area_{mapping_.base(), size} {
    area_.ticket = sigsegv_register(areas(), area_.base, size, replace_area, &area_);
    require(area_.ticket != nullptr);
  }
  ~by_area() override { sigsegv_unregister(areas(), area_.ticket); }

  size_t read(unsigned char* to, size_t offset, size_t n) override {
    memcpy(to, area_.base + offset, n);
    return area_.bad != 0 ? 0 : n;
  }
  void touch(const uint32_t* pages, size_t count) override { peek_pages(area_.base, pages, count); }
  void restore() override {
    mapping_.map_again();
    area_.bad = 0;
  }

 private:
  mapping mapping_;
  area area_;
};

const struct sigaction* asking() {
  static const struct sigaction action = action_of(ask);
  return &action;
}

std::vector<std::unique_ptr<area>> g_enrolled;
void enroll_area(unsigned char* base, size_t size) {
  auto enrolled = std::make_unique<area>(area{base, size});
  enrolled->ticket = sigsegv_register(areas(), base, size, replace_area, enrolled.get());
  require(enrolled->ticket != nullptr);
  g_enrolled.push_back(std::move(enrolled));
}
void dismiss_areas() {
  for (const auto& enrolled : g_enrolled) sigsegv_unregister(areas(), enrolled->ticket);
  g_enrolled.clear();
}

}  // namespace

const technique libsigsegv{
    "libsigsegv",
    "nosigbus region",
    "libsigsegv's table of areas (`sigsegv_register`, `sigsegv_dispatch`), asked by a SIGBUS "
    "handler of one's own, as the library itself takes SIGSEGV alone; the area's handler maps "
    "zeros over all of it",
    "any code",
    make<by_area>,
    asking,
    enroll_area,
    dismiss_areas};

}  // namespace peers
