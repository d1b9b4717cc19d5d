/* SPDX-License-Identifier: MIT
 *
 * Included by <nosigbus/fuzz.hpp>: when the other side acts. Pages with acts ahead are closed (PROT_NONE); an
 * access raises SIGSEGV, and the handler counts it and acts. While more is ahead, the page is open for that
 * one instruction only: the processor is single-stepped over it. Behind the last act the page is open, and
 * costs nothing.
 *
 * Runs inside signals' handlers: no allocation, no libc beyond system calls, and locks that handlers alone
 * take, which touch nothing that is closed.
 */
#ifndef NOSIGBUS_FUZZ_SCRIPT_HPP
#define NOSIGBUS_FUZZ_SCRIPT_HPP

#include <atomic>

#include <nosigbus/arch/single_step.hpp>
#include <nosigbus/fuzz/perform.hpp>

NOSIGBUS_FUZZ_UNSEEN_BEGIN
namespace nosigbus::detail {

/* Its address tells a thread. Counts faults at pages that are open, one behind the other. */
inline thread_local unsigned t_futile_retries = 0;

/* A stage, and the acts on it. */
class fuzz_script {
 public:
  fuzz_stage stage;
  /* Counted by handlers, and read in ordinary context, from which the compiler sees no call of a handler. */
  std::atomic<std::uint64_t> touches{0};
  std::atomic<unsigned> done{0}, failed{0};
  /* By a buffer. Set and cleared by its thread, whose the stage is meanwhile. */
  // A whole word: riscv64 exchanges smaller ones by a call into libatomic.
  std::atomic<std::uint32_t> taken{0};

  void begin(std::span<const hostile_act> acts) noexcept {
    base_ = stage.view();
    protection_ = stage.protection();
    touches.store(0, std::memory_order_relaxed);
    done.store(0, std::memory_order_relaxed);
    failed.store(0, std::memory_order_relaxed);
    act_count_ = page_count_ = 0;
    if (stage.pages() == 0 || acts.empty()) return;
    for (const hostile_act& act : acts.first(acts.size() < acts_.size() ? acts.size() : acts_.size())) {
      const std::size_t page = act.page % stage.pages();
      acts_[act_count_++] = {act, page, false};
      if (find(page) == nullptr) pages_[page_count_++] = {page, 0, false, nullptr};
    }
    stage.set_altered();
    arm();
  }
  /* Handlers look at it no more. */
  void end() noexcept {
    armed_.store(false, std::memory_order_seq_cst);
    /* A handler that holds the lock may have found it armed; one that takes it now does not. Not taken here:
     * a signal that comes to this thread meanwhile may want it. */
    while (lock_.test(std::memory_order_seq_cst)) {
    }
  }
  void follow(std::byte* mapping, int protection) noexcept {
    if (act_count_ == 0) return;
    end();
    for (page_state& page : pages()) set_closed(page, false);
    base_ = mapping;
    protection_ = protection;
    arm();
  }

  /* An access was refused. Whether by a closed page, and may go on now. */
  bool touch(std::uintptr_t address, void* ucontext) noexcept {
    if (!armed_.load(std::memory_order_relaxed)) return false;
    const spin_guard guard(lock_);
    if (!armed_.load(std::memory_order_seq_cst)) return false;
    const std::size_t offset = address - reinterpret_cast<std::uintptr_t>(base_);
    page_state* const page = find(offset / fuzz_page_size());
    if (page == nullptr) return false;
    if (!page->closed) return opened_meanwhile(*page);
    t_futile_retries = 0;
    /* An instruction that was left by a jump, or all but the first page of one that touches several. */
    if (!single_steps(ucontext)) end_steps();
    page->touched_at = offset;
    ++page->touches;
    touches.fetch_add(1, std::memory_order_relaxed);
    act_on(*page, false);
    set_closed(*page, false);
    if (!ahead(*page)) return true;
    page->stepping = &t_futile_retries;
    set_single_step(ucontext, true);
    return true;
  }
  /* The instruction has been executed. Whether there was one. */
  bool stepped() noexcept {
    if (!armed_.load(std::memory_order_relaxed)) return false;
    const spin_guard guard(lock_);
    return armed_.load(std::memory_order_seq_cst) && end_steps();
  }

 private:
  struct scheduled {
    hostile_act act;
    std::size_t page;
    bool over;
  };
  struct page_state {
    std::size_t page;
    std::uint32_t touches;
    bool closed;
    /* Open for one instruction, of this thread. */
    const void* stepping;
    std::size_t touched_at = 0;
  };

  std::span<page_state> pages() noexcept { return {pages_.data(), page_count_}; }
  std::span<scheduled> acts() noexcept { return {acts_.data(), act_count_}; }
  page_state* find(std::size_t page) noexcept {
    for (page_state& state : pages()) {
      if (state.page == page) return &state;
    }
    return nullptr;
  }
  void set_closed(page_state& page, bool closed) noexcept {
    if (page.closed == closed) return;
    if (stage.protect(base_ + page.page * fuzz_page_size(), closed, protection_)) page.closed = closed;
  }
  void arm() noexcept {
    for (page_state& page : pages()) {
      if (ahead(page)) set_closed(page, true);
    }
    armed_.store(true, std::memory_order_seq_cst);
    /* In this thread, a touch comes behind. */
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  /* By another thread, between the access and its signal; or an access that is refused for a reason of its
   * own, as a write to what may only be read. */
  static bool opened_meanwhile(const page_state& page) noexcept {
    if (page.stepping != nullptr && page.stepping != &t_futile_retries) return true;
    return ++t_futile_retries % 8 != 0;
  }
  bool ahead(const page_state& page) noexcept {
    for (const scheduled& next : acts()) {
      if (next.page == page.page && !next.over) return true;
    }
    return false;
  }
  bool end_steps() noexcept {
    bool any = false;
    for (page_state& page : pages()) {
      if (page.stepping != &t_futile_retries) continue;
      any = true;
      page.stepping = nullptr;
      act_on(page, true);
      set_closed(page, ahead(page));
    }
    return any;
  }
  void act_on(page_state& page, bool after) noexcept {
    for (scheduled& next : acts()) {
      if (next.over || next.page != page.page || next.act.after != after || next.act.touch > page.touches)
        continue;
      next.over = true;
      (fuzz_perform(next.act, stage, base_, page.touched_at) ? done : failed)
          .fetch_add(1, std::memory_order_relaxed);
    }
  }
  /* Set and cleared by the buffer's thread, which writes all that is below while it is cleared; read by
   * handlers, under the lock: each of these four is sequentially consistent, so that one of the two sees the
   * other. */
  std::atomic<bool> armed_{false};
  /* Taken by handlers alone: those of threads that touch one buffer at a time. */
  std::atomic_flag lock_ = ATOMIC_FLAG_INIT;
  int protection_ = 0;
  /* The mapping whose touches count. */
  std::byte* base_ = nullptr;
  std::array<scheduled, hostile_input::most_acts> acts_{};
  std::array<page_state, hostile_input::most_acts> pages_{};
  std::size_t act_count_ = 0, page_count_ = 0;
};

}  // namespace nosigbus::detail
NOSIGBUS_FUZZ_UNSEEN_END

#endif
