// SPDX-License-Identifier: MIT
//
// How a fiber stops. The fault's handler runs on the fiber's own stack, because the thread has no alternate
// stack meanwhile; the kernel has saved every register there. In the handler the signal mask is put back, and
// the stack is switched to the host's. From then on nothing tells the host from ordinary code: to the kernel,
// to be in a handler is to have its mask and to be on its stack. To go on, the host switches back, and the
// handler returns.
#include <context.h>
#include <cxxabi.h>
#include <nosigbus/recovery.h>
#include <pthread.h>
#include <signal.h>
#include <src/fiber/stack.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <boost/context/detail/fcontext.hpp>
#include <nosigbus/fiber.hpp>
#include <nosigbus/throwing_guard.hpp>

#include <cerrno>
#include <cstring>
#include <utility>

namespace nosigbus {

namespace {

using namespace boost::context::detail;

// What the C++ runtime has in the thread, and belongs to a stack: exceptions that are being handled.
struct exceptions {
  void* caught;
  unsigned uncaught;
};

// Not inlined: after a switch the thread may be another, and so the address of what is the thread's.
[[gnu::noinline]] void exchange_exceptions(exceptions& kept) {
  exceptions now;
  auto* const globals = abi::__cxa_get_globals();
  memcpy(&now, static_cast<void*>(globals), sizeof now);
  memcpy(static_cast<void*>(globals), &kept, sizeof kept);
  kept = now;
}
[[gnu::noinline]] void set_errno(int value) { errno = value; }
[[gnu::noinline]] int get_errno() { return errno; }

// The kernel's part of a signal mask, which is all that there is of one in a signal's context.
using mask = std::uint64_t;

// Blocks all signals. Returns the mask that was.
mask block_all() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  mask out;
  memcpy(&out, &before, sizeof out);
  return out;
}
void set_mask(mask wanted) {
  sigset_t set;
  sigemptyset(&set);
  memcpy(&set, &wanted, sizeof wanted);
  pthread_sigmask(SIG_SETMASK, &set, nullptr);
}

// Both replace what is at target in one step for other threads that read there.
bool put_zeros(void* target, std::size_t size) {
  // One way into the kernel less: the fiber is about to read there.
  constexpr std::size_t largest_page = std::size_t{64} << 10;
  const int at_once = size <= largest_page ? MAP_POPULATE : 0;
  return mmap(target, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | at_once, -1, 0) !=
         MAP_FAILED;
}
bool put_bytes(void* target, std::size_t size, int prot, std::span<const std::byte> bytes) {
  void* const page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return false;
  if (!bytes.empty()) memcpy(page, bytes.data(), bytes.size() < size ? bytes.size() : size);
  if (mprotect(page, size, prot) == 0 &&
      mremap(page, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, target) != MAP_FAILED) {
    return true;
  }
  munmap(page, size);
  return false;
}

// 0 or -errno.
int fill_page(const nosigbus_fault& fault, std::span<const std::byte> bytes) {
  // Anywhere else there may be no page, or nothing that was ever the file's.
  if (fault.signo != SIGBUS || fault.cause == NOSIGBUS_UNMAPPED) return -ENOTSUP;
  const std::size_t size = fault.granule;
  void* const target = reinterpret_cast<void*>(fault.address & ~(size - 1));
  const int prot = fault.access == NOSIGBUS_READ ? PROT_READ : PROT_READ | PROT_WRITE;
  // What cannot be written is not counted as memory: it cannot be refused when the page is gone already.
  const bool zeros = bytes.empty() && prot == PROT_READ;
  return (zeros ? put_zeros(target, size) : put_bytes(target, size, prot, bytes)) ? 0 : -ENOMEM;
}

int nothing() { return 0; }

}  // namespace

struct fiber::state {
  // First: the handler is given its address.
  nosigbus_recovery_point point;
  std::function<void()> fn;
  fiber_stack stack;
  fcontext_t here = nullptr, host = nullptr;  // where to go on: the fiber, and while it runs, its host
  nosigbus_recovery_point* points = nullptr;  // the fiber's, while it does not run
  exceptions caught{};
  std::exception_ptr thrown;
  enum { ready, running, faulted, finished, unwound, abandoned } how = ready;
  void* context = nullptr;  // while it stands at a fault: what returning from the handler puts back
  bool raises = false;
  nosigbus_fault raised{};  // what unwind has thrown into it
  // The thread's, on the way from one stack to the other. All signals are blocked from before the points are
  // exchanged until behind the switch: no handler runs on a stack that is not its points'.
  mask in_force = 0;

  state(std::function<void()> f, const options& o) : point{}, fn(std::move(f)), stack(o.stack_size) {
    point.begin = detail::begin_of_range(o.base, o.length);
    point.length = o.length;
    point.recover = stop_at_fault;
    point.raise = throw_raised;
    point.wants = o.guarded_loads ? NOSIGBUS_WANTS_LOADS : 0;
    here = make_fcontext(stack.top(), stack.size(), run);
  }

  // The fiber's first function.
  static void run(transfer_t from) {
    state& self = *static_cast<state*>(from.data);
    self.host = from.fctx;
    self.call();
    jump_fcontext(self.host, nullptr);
    __builtin_unreachable();
  }
  void call() noexcept {
    nosigbus_recovery_begin(&point);
    set_mask(in_force);
    auto end = finished;
    try {
      fn();
    } catch (const bus_error& error) {
      if (error.fault().pc == raised.pc && error.fault().address == raised.address) {
        end = unwound;
      } else {
        thrown = std::current_exception();
      }
    } catch (...) {
      thrown = std::current_exception();
    }
    in_force = block_all();
    nosigbus_recovery_end(&point);
    how = end;
  }

  // Inside the signal handler, with all signals blocked.
  static int stop_at_fault(nosigbus_recovery_point* point, void* ucontext) {
    state& self = *reinterpret_cast<state*>(point);
    if (!self.stack.contains(__builtin_frame_address(0))) return NOSIGBUS_DECLINE;
    void* const kept = &static_cast<ucontext_t*>(ucontext)->uc_sigmask;
    const int error = get_errno();
    memcpy(&self.in_force, kept, sizeof self.in_force);
    self.how = faulted;
    self.context = ucontext;
    const transfer_t from = jump_fcontext(self.host, nullptr);
    self.host = from.fctx;
    // Returning from the handler puts it in force.
    memcpy(kept, &self.in_force, sizeof self.in_force);
    set_errno(error);
    if (!self.raises) return NOSIGBUS_RESUME;
    return self.point.of_load != 0 ? NOSIGBUS_DECLINE : NOSIGBUS_RAISE;
  }

  // On the fiber's stack, behind the handler. A signal that waited may have come first, and its handler may
  // have met a fault, which stands in the point then.
  static void throw_raised(const nosigbus_fault* fault) {
    const auto begin = reinterpret_cast<std::uintptr_t>(fault) - offsetof(nosigbus_recovery_point, fault);
    detail::throw_fault(&reinterpret_cast<const state*>(begin)->raised);
  }

  fiber_stop stop(int error = 0) const {
    using kind = fiber_stop::kind;
    switch (how) {
      case finished:
        return {kind::finished, {}, error};
      case unwound:
        return {kind::unwound, raised, error};
      case abandoned:
        return {kind::abandoned, point.fault, error};
      case faulted:
        return {kind::faulted, point.fault, error};
      default:
        return {kind::running, {}, error};
    }
  }

  // The thread, when the fiber has stopped: it may have given itself one. At a fault the kernel has told.
  bool may_have_alternate_stack() const {
    return how != faulted || static_cast<const ucontext_t*>(context)->uc_stack.ss_size != 0;
  }

  // Runs the fiber until it stops. prepare: what is done before that, if it can run; 0 or -errno.
  template <class Prepare>
  fiber_stop go_on(bool raise, Prepare prepare) {
    if (how == running) return stop(-EBUSY);
    if (how != ready && how != faulted) return stop(-EINVAL);
    stack_t none{}, before;
    none.ss_flags = SS_DISABLE;
    if (sigaltstack(&none, &before) != 0) return stop(-EPERM);  // it is in use
    if (const int error = prepare()) {
      sigaltstack(&before, nullptr);
      return stop(error);
    }
    raises = raise;
    if (raise) raised = point.fault;
    how = running;
    in_force = block_all();
    nosigbus_recovery_point* const outer = nosigbus_recovery_exchange(points);
    exchange_exceptions(caught);
    here = jump_fcontext(here, this).fctx;
    exchange_exceptions(caught);
    points = nosigbus_recovery_exchange(outer);
    if (before.ss_size != 0 || may_have_alternate_stack()) sigaltstack(&before, nullptr);
    set_mask(in_force);
    if (thrown) std::rethrow_exception(std::exchange(thrown, nullptr));
    return stop();
  }

  template <class Prepare>
  fiber_stop leave_fault(bool raise, Prepare prepare) {
    return how == ready ? stop(-EINVAL) : go_on(raise, prepare);
  }
};

fiber::fiber(std::function<void()> fn) : fiber(std::move(fn), options{}) {}
fiber::fiber(std::function<void()> fn, const options& how)
    : state_(std::make_unique<state>(std::move(fn), how)) {}
fiber::fiber(fiber&& other) noexcept = default;
fiber& fiber::operator=(fiber&& other) noexcept = default;
fiber::~fiber() = default;

fiber_stop fiber::resume() { return state_->go_on(false, nothing); }
fiber_stop fiber::retry() { return state_->leave_fault(false, nothing); }
fiber_stop fiber::unwind() { return state_->leave_fault(true, nothing); }

fiber_stop fiber::skip(std::uint64_t value) {
  // The registers lie in the signal's frame, on the fiber's stack, until the handler returns.
  return state_->leave_fault(
      false, [&] { return arch::machine_state(state_->context).complete_load(value) ? 0 : -ENOTSUP; });
}

fiber_stop fiber::fill(std::span<const std::byte> bytes) {
  return state_->leave_fault(false, [&] { return fill_page(state_->point.fault, bytes); });
}

fiber_stop fiber::abandon() noexcept {
  if (state_->how == state::running) return state_->stop(-EBUSY);
  if (state_->how == state::ready || state_->how == state::faulted) state_->how = state::abandoned;
  return state_->stop();
}

}  // namespace nosigbus
