/* SPDX-License-Identifier: MIT
 *
 * nosigbus::fiber: code whose faults ordinary code decides about, and that goes on.
 *
 * A function runs on a stack of its own. At a fault it stops where it is, in the middle of an instruction,
 * with all its registers kept, and the host has the fault in hand, outside of any signal handler: it may do
 * what it likes, and lets the function go on, with bytes in place of those that are missing, or drops it.
 *
 *   nosigbus::fiber decoder([&] { decode(mapped, &picture); });
 *   auto stop = decoder.resume();
 *   while (stop.faulted()) stop = may_go_on(client) ? decoder.fill() : decoder.abandon();
 *
 * Link with nosigbus::fiber. A fiber may be resumed on any thread, by one at a time; what it has in that
 * thread's thread-local variables it finds no more on another. While it runs, the thread has no alternate
 * stack. A fault on another stack than the fiber's (an alternate stack that the function sets up, a fiber
 * within it) is not caught, nor is one that overflows its stack: they are handled as if there were no fiber.
 * Guards in the function work as ever; those of the host do not reach into it. A thread cannot end within a
 * fiber: pthread_exit, or being cancelled, ends the process. On threads with a shadow stack, Boost.Context
 * has to be built for that.
 *
 * No member is async-signal-safe. Members throw what the function throws and does not catch, std::bad_alloc
 * and std::system_error where that is said, and nothing else.
 */
#ifndef NOSIGBUS_FIBER_HPP
#define NOSIGBUS_FIBER_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include <nosigbus/abi.h>
#include <nosigbus/fault.h>

namespace nosigbus {

/* How a fiber stands when it has stopped. */
class [[nodiscard]] fiber_stop {
 public:
  /* Where it stands, as the functions below tell. */
  enum class kind {
    running,  /* not begun, or at work: error() says why it was not resumed */
    finished, /* the function has returned */
    faulted,  /* at a fault, from which it can go on */
    unwound,  /* bus_error has come out of the function */
    abandoned /* its stack was dropped */
  };

  /* For the library: a program has them from the members of fiber. */
  fiber_stop(kind what, const struct ::nosigbus_fault& fault, int error = 0) noexcept
      : what_(what), fault_(fault), error_(error) {}

  /* Whether the function has returned. */
  explicit operator bool() const noexcept { return what_ == kind::finished; }
  /* The same. */
  bool finished() const noexcept { return what_ == kind::finished; }
  /* It stands at a fault, and can go on. */
  bool faulted() const noexcept { return what_ == kind::faulted; }
  /* bus_error has come out of it, which unwind has thrown into it. */
  bool unwound() const noexcept { return what_ == kind::unwound; }
  /* Its stack was dropped; nothing of it goes on. */
  bool abandoned() const noexcept { return what_ == kind::abandoned; }
  /* The fault at which it stands, or was given up; else its cause is NOSIGBUS_NONE. */
  const struct ::nosigbus_fault& fault() const noexcept { return fault_; }
  /* 0, or why it stands where it stood: -EPERM: called on an alternate stack; -EBUSY: called by itself;
   * -EINVAL: it is not at a fault, or there is nothing to go on with; and what fill says. */
  int error() const noexcept { return error_; }

 private:
  kind what_;
  struct ::nosigbus_fault fault_;
  int error_;
};

/* A function on a stack of its own, which stops at a fault. */
class NOSIGBUS_API fiber {
 public:
  /* How it is made. */
  struct options {
    /* The addresses whose faults stop it, in bytes; nullptr and 0: any. */
    const void* base = nullptr;
    std::size_t length = 0;
    /* Bytes, rounded up to pages, at least 64 KiB; one more page below it is kept without access. Signals'
     * handlers run on it, too. */
    std::size_t stack_size = std::size_t{256} << 10;
    /* Guarded loads (<nosigbus/inline.h>, <nosigbus/inline.hpp>) stop it, too, which else end by themselves:
     * fill, retry and skip let them succeed, unwind lets them fail as ever. Not in the generic port. */
    bool guarded_loads = false;
  };

  /* fn begins to run at the first resume. Throws std::bad_alloc, and std::system_error where there is no
   * memory for the stack. Takes nosigbus_install or nosigbus_handle_signal for faults to be caught; with
   * NOSIGBUS_CATCH_SEGV, SIGSEGV too. */
  explicit fiber(std::function<void()> fn);
  fiber(std::function<void()> fn, const options& how);
  /* Moving leaves an empty one behind. */
  fiber(fiber&& other) noexcept;
  fiber& operator=(fiber&& other) noexcept;
  /* Abandons what has not finished. */
  ~fiber();

  /* Begins; at a fault, the same as retry. Returns how it stands when it has stopped again, as do all below.
   */
  fiber_stop resume();
  /* Executes the instruction again: for a host that has put the memory in place. */
  fiber_stop retry();
  /* Puts a private page in place of the missing one, and goes on: bytes, from the beginning of the page on,
   * as many as fit, and zeros behind. It is read-only unless it was written to, and stays when the file has
   * grown again. The mapping is the caller's: that something else has come to lie there is for the caller to
   * exclude. error(): -ENOTSUP: there may be no page that could be replaced (SIGSEGV, or an address that is
   * none); -ENOMEM: the page could not be replaced. */
  fiber_stop fill(std::span<const std::byte> bytes = {});
  /* Goes on behind the instruction, as if it had loaded value: its register has as many of the low bytes as
   * it loads, extended as it extends them. For loads of one integer (1, 2, 4, 8 bytes) into one register;
   * error(): -ENOTSUP: the instruction is something else (a store, an atomic, a pair or vector, as in a
   * copy), or this is the generic port. Nothing has changed then. */
  fiber_stop skip(std::uint64_t value);
  /* Throws nosigbus::bus_error from the instruction, with all that <nosigbus/throwing_guard.hpp> says of
   * that. A guarded load returns -EFAULT instead, and the function goes on. */
  fiber_stop unwind();
  /* Drops the stack: no destructor of what is on it runs. */
  fiber_stop abandon() noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace nosigbus

#endif
