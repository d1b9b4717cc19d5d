// SPDX-License-Identifier: MIT
//
// SIGBUS handlers as programs have them.
#include <setjmp.h>

#include <atomic>
#include <list>

#include "technique.h"

namespace peers {

namespace {

// Over what faults, once and for all. PROT_WRITE as in the programs that do it.
bool map_zeros(void* base, size_t size) {
  return mmap(base, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
         MAP_FAILED;
}

// --- Nobody guards; for comparison.

class plain : public reader {
 public:
  plain(int fd, size_t size) : mapping_(fd, size) {}

  size_t read(unsigned char* to, size_t offset, size_t n) override {
    memcpy(to, mapping_.base() + offset, n);
    return n;
  }
  void touch(const uint32_t* pages, size_t count) override { peek_pages(mapping_.base(), pages, count); }

 protected:
  mapping mapping_;
};

// --- As browsers do: a scope with a jump buffer, which the handler jumps to when the address is in the
// scope's memory.

struct scope {
  const unsigned char* base;
  size_t size;
  scope* outer;
  sigjmp_buf buffer;
};
thread_local scope* t_scope;

void jump_out(int, siginfo_t* info, void*) {
  scope* const here = t_scope;
  const auto* const address = static_cast<const unsigned char*>(info->si_addr);
  if (here != nullptr && address >= here->base && address < here->base + here->size)
    siglongjmp(here->buffer, 1);
  kill_at_return();
}

// SaveMask: whether to save the signal mask, a system call, to which the jump goes back. Without it, the
// handler is one that blocks nothing (SA_NODEFER).
template <int SaveMask>
class jumped : public reader {
 public:
  jumped(int fd, size_t size) : mapping_(fd, size) {}

  size_t read(unsigned char* to, size_t offset, size_t n) override {
    return scoped([&] { memcpy(to, mapping_.base() + offset, n); }) ? n : 0;
  }
  // Each by itself: a scope around all of them would end at the first.
  void touch(const uint32_t* pages, size_t count) override {
    for (size_t i = 0; i < count; ++i) {
      scoped([this, at = pages[i]] { bench::peek(mapping_.base(), at * page); });
    }
  }

 private:
  template <class F>
  bool scoped(F f) {
    scope here;
    here.base = mapping_.base();
    here.size = mapping_.size();
    here.outer = t_scope;
    const bool whole = sigsetjmp(here.buffer, SaveMask) == 0;
    if (whole) {
      t_scope = &here;
      std::atomic_signal_fence(std::memory_order_seq_cst);  // the handler looks at it
      f();
      std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    t_scope = here.outer;
    return whole;
  }
  mapping mapping_;
};

// --- As journald does, and the first preload that one would write: the page that faults, wherever it is, is
// replaced. The addresses are kept for who reads.

constexpr uint64_t kept = 64;
std::atomic<uintptr_t> g_replaced[kept];
std::atomic<uint64_t> g_begun, g_replacements;

void replace_page(int, siginfo_t* info, void*) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(info->si_addr) & ~uintptr_t{page - 1};
  if (info->si_code != BUS_ADRERR || at == 0 || !map_zeros(reinterpret_cast<void*>(at), page)) {
    kill_at_return();
    return;
  }
  const uint64_t number = g_begun.fetch_add(1, std::memory_order_relaxed);
  g_replaced[number % kept].store(at, std::memory_order_relaxed);
  g_replacements.fetch_add(1, std::memory_order_release);
}

class by_page : public plain {
 public:
  using plain::plain;

  size_t read(unsigned char* to, size_t offset, size_t n) override {
    plain::read(to, offset, n);
    return whole() ? n : 0;
  }
  void restore() override {
    mapping_.map_again();
    missing_ = false;
    seen_ = g_replacements.load(std::memory_order_acquire);
  }

 private:
  bool whole() {
    const uint64_t now = g_replacements.load(std::memory_order_acquire);
    // Then it may have been here: others overwrote the address, or are about to write it.
    if (now - seen_ > kept || g_begun.load(std::memory_order_relaxed) != now) missing_ = true;
    for (uint64_t i = seen_; i != now && !missing_; ++i) {
      const uintptr_t at = g_replaced[i % kept].load(std::memory_order_relaxed);
      missing_ = at - reinterpret_cast<uintptr_t>(mapping_.base()) < mapping_.size();
    }
    seen_ = now;
    return !missing_;
  }
  uint64_t seen_ = g_replacements.load(std::memory_order_acquire);
  bool missing_ = false;
};

// --- As the X server and PulseAudio do: a list of mappings; that in which a page is missing is replaced as a
// whole.

struct segment {
  unsigned char* base;
  size_t size;
  std::atomic<bool> bad{false};
  segment(unsigned char* at, size_t bytes) : base(at), size(bytes) {}
};
// What is new is in front.
std::list<segment> g_segments;

void replace_segment(int, siginfo_t* info, void*) {
  auto* const address = static_cast<unsigned char*>(info->si_addr);
  for (segment& s : g_segments) {
    if (address < s.base || address >= s.base + s.size) continue;
    s.bad.store(true, std::memory_order_relaxed);
    if (map_zeros(s.base, s.size)) return;
    break;
  }
  kill_at_return();
}

class by_mapping : public plain {
 public:
  by_mapping(int fd, size_t size) : plain(fd, size) {
    g_segments.emplace_front(mapping_.base(), size);
    entry_ = g_segments.begin();
  }
  ~by_mapping() override { g_segments.erase(entry_); }

  size_t read(unsigned char* to, size_t offset, size_t n) override {
    plain::read(to, offset, n);
    return entry_->bad.load(std::memory_order_relaxed) ? 0 : n;
  }
  void restore() override {
    mapping_.map_again();
    entry_->bad.store(false, std::memory_order_relaxed);
  }

 private:
  std::list<segment>::iterator entry_;
};

std::vector<std::list<segment>::iterator> g_enrolled;
void enroll_segment(unsigned char* base, size_t size) {
  g_segments.emplace_front(base, size);
  g_enrolled.push_back(g_segments.begin());
}
void dismiss_segments() {
  for (const auto& entry : g_enrolled) g_segments.erase(entry);
  g_enrolled.clear();
}

template <void (*Handler)(int, siginfo_t*, void*), int Flags = 0>
const struct sigaction* action() {
  static const struct sigaction ours = [] {
    struct sigaction made = action_of(Handler);
    made.sa_flags |= Flags;
    return made;
  }();
  return &ours;
}

}  // namespace

const technique unguarded{"unguarded memcpy",
                          "nosigbus safe_read",
                          "plain loads of a plain mapping: what they cost, and what they die of",
                          "any code",
                          make<plain>,
                          nullptr,
                          nullptr,
                          nullptr,
                          false};
const technique sigsetjmp_mask{"sigsetjmp, mask saved",
                               "nosigbus guard",
                               "`sigsetjmp(buffer, 1)` around loads, for a byte by itself each, and a "
                               "handler that jumps when the address is in the "
                               "mapping",
                               "code that is called within it",
                               make<jumped<1>>,
                               action<jump_out>};
const technique sigsetjmp_no_mask{"sigsetjmp, no mask",
                                  "nosigbus guard",
                                  "as in Firefox's `MmapFaultHandler`: `sigsetjmp(buffer, 0)`, and the "
                                  "handler is installed with `SA_NODEFER`",
                                  "code that is called within it",
                                  make<jumped<0>>,
                                  action<jump_out, SA_NODEFER>};
const technique overlay_of_pages{"overlay by page",
                                 "nosigbus region",
                                 "as in systemd's `sigbus.c` (journald), and in the first preload that one "
                                 "would write: the handler maps a page of "
                                 "zeros over the page that faulted, wherever that is, and keeps its address",
                                 "any code",
                                 make<by_page>,
                                 action<replace_page>};
const technique overlay_of_mapping{"overlay of mapping",
                                   "nosigbus region",
                                   "as in the X server's `busfault.c` and PulseAudio's `memtrap.c`: the "
                                   "handler looks through a list of mappings, "
                                   "and maps zeros over all of the one that faulted",
                                   "any code",
                                   make<by_mapping>,
                                   action<replace_segment>,
                                   enroll_segment,
                                   dismiss_segments};

}  // namespace peers
