// SPDX-License-Identifier: MIT
//
// How a fiber stops. The fault's handler runs on the fiber's own stack, because the thread has no alternate
// stack meanwhile; the kernel has saved every register there. In the handler the signal mask is put back, and
// the stack is switched to the host's. From then on nothing tells the host from ordinary code: to the kernel,
// to be in a handler is to have its mask and to be on its stack. To go on, the host switches back, and the
// handler returns.
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
[[gnu::noinline]] pthread_t this_thread() { return pthread_self(); }

// Both replace what is at target in one step for other threads that read there. 0 or -errno.
int put_zeros(void* target, std::size_t size, int prot) {
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  return mmap(target, size, prot, flags, -1, 0) == MAP_FAILED ? -errno : 0;
}
int put_bytes(void* target, std::size_t size, int prot, std::span<const std::byte> bytes) {
  void* const page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return -errno;
  memcpy(page, bytes.data(), bytes.size() < size ? bytes.size() : size);
  if (mprotect(page, size, prot) == 0 &&
      mremap(page, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, target) != MAP_FAILED) {
    return 0;
  }
  const int error = errno;
  munmap(page, size);
  return -error;
}

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
  bool raises = false;

  state(std::function<void()> f, const options& o) : point{}, fn(std::move(f)), stack(o.stack_size) {
    point.begin = reinterpret_cast<std::uintptr_t>(o.base);
    point.length = o.length;
    point.recover = stop_at_fault;
    point.raise = detail::throw_fault;
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
    auto end = finished;
    try {
      fn();
    } catch (const bus_error&) {
      if (raises) {
        end = unwound;
      } else {
        thrown = std::current_exception();
      }
    } catch (...) {
      thrown = std::current_exception();
    }
    nosigbus_recovery_end(&point);
    how = end;
  }

  // Inside the signal handler.
  static int stop_at_fault(nosigbus_recovery_point* point, void* ucontext) {
    state& self = *reinterpret_cast<state*>(point);
    const char on_stack = 0;
    if (!self.stack.contains(&on_stack)) return NOSIGBUS_DECLINE;
    auto& context = *static_cast<ucontext_t*>(ucontext);
    const pthread_t thread = this_thread();
    const int error = get_errno();
    self.how = faulted;
    pthread_sigmask(SIG_SETMASK, &context.uc_sigmask, nullptr);
    const transfer_t from = jump_fcontext(self.host, nullptr);
    self.host = from.fctx;
    set_errno(error);
    // What returning from the handler puts in force is this thread's.
    if (!pthread_equal(this_thread(), thread)) pthread_sigmask(SIG_SETMASK, nullptr, &context.uc_sigmask);
    return self.raises ? NOSIGBUS_RAISE : NOSIGBUS_RESUME;
  }

  fiber_stop stop(int error = 0) const {
    using kind = fiber_stop::kind;
    switch (how) {
      case finished:
        return {kind::finished, {}, error};
      case unwound:
        return {kind::unwound, point.fault, error};
      case abandoned:
        return {kind::abandoned, point.fault, error};
      case faulted:
        return {kind::faulted, point.fault, error};
      default:
        return {kind::running, {}, error};
    }
  }

  // Runs the fiber until it stops.
  fiber_stop go_on(bool raise) {
    if (how == running) return stop(-EBUSY);
    if (how != ready && how != faulted) return stop(-EINVAL);
    stack_t none{}, before;
    none.ss_flags = SS_DISABLE;
    if (sigaltstack(&none, &before) != 0) return stop(-errno);
    raises = raise;
    how = running;
    nosigbus_recovery_point* const outer = nosigbus_recovery_exchange(points);
    exchange_exceptions(caught);
    here = jump_fcontext(here, this).fctx;
    exchange_exceptions(caught);
    points = nosigbus_recovery_exchange(outer);
    sigaltstack(&before, nullptr);
    if (thrown) std::rethrow_exception(std::exchange(thrown, nullptr));
    return stop();
  }
};

fiber::fiber(std::function<void()> fn) : fiber(std::move(fn), options{}) {}
fiber::fiber(std::function<void()> fn, const options& how)
    : state_(std::make_unique<state>(std::move(fn), how)) {}
fiber::fiber(fiber&& other) noexcept = default;
fiber& fiber::operator=(fiber&& other) noexcept = default;
fiber::~fiber() = default;

fiber_stop fiber::resume() { return state_->go_on(false); }

fiber_stop fiber::retry() {
  return state_->how == state::faulted ? state_->go_on(false) : state_->stop(-EINVAL);
}

fiber_stop fiber::unwind() {
  return state_->how == state::faulted ? state_->go_on(true) : state_->stop(-EINVAL);
}

fiber_stop fiber::fill(std::span<const std::byte> bytes) {
  if (state_->how != state::faulted) return state_->stop(-EINVAL);
  const nosigbus_fault& fault = state_->point.fault;
  if (fault.signo != SIGBUS) return state_->stop(-ENOTSUP);
  const std::size_t size = fault.granule;
  void* const target = reinterpret_cast<void*>(fault.address & ~(size - 1));
  const int prot = fault.access == NOSIGBUS_READ ? PROT_READ : PROT_READ | PROT_WRITE;
  if (const int error =
          bytes.empty() ? put_zeros(target, size, prot) : put_bytes(target, size, prot, bytes)) {
    return state_->stop(error);
  }
  return state_->go_on(false);
}

fiber_stop fiber::abandon() noexcept {
  if (state_->how == state::running) return state_->stop(-EBUSY);
  if (state_->how == state::ready || state_->how == state::faulted) state_->how = state::abandoned;
  return state_->stop();
}

}  // namespace nosigbus
