// SPDX-License-Identifier: MIT
#include <src/outside/actions.h>
#include <src/shared/syscalls.h>
#include <string.h>

namespace nosigbus::actions {

namespace {

// All there are; prepended to (release), read by anybody (acquire).
constinit std::atomic<const previous_action*> g_actions{nullptr};

uint64_t kernel_mask(const sigset_t& set) {
  uint64_t mask;
  memcpy(&mask, &set, sizeof mask);
  return mask;
}

// A few have room here, which is more than most programs ever install; of the others each gets pages.
previous_action* allocate() {
  static constinit previous_action g_few[32]{};
  static constinit std::atomic<size_t> g_used{0};
  // Counting past the end is harmless: it takes one mapping each time.
  const size_t index = g_used.fetch_add(1, std::memory_order_relaxed);
  if (index < sizeof g_few / sizeof g_few[0]) return &g_few[index];
  const long fresh =
      sys::mmap(0, sizeof(previous_action), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return sys::failed(fresh) ? nullptr : reinterpret_cast<previous_action*>(fresh);
}

}  // namespace

const previous_action* intern(const struct sigaction& action) {
  const uint64_t mask = kernel_mask(action.sa_mask);
  const previous_action* known = g_actions.load(std::memory_order_acquire);
  for (const previous_action* at = known; at != nullptr; at = at->next) {
    if (at->handler == action.sa_sigaction && at->flags == action.sa_flags && at->mask == mask) return at;
  }
  previous_action* const fresh = allocate();
  if (fresh == nullptr) return nullptr;
  *fresh = {action.sa_sigaction, action.sa_flags, mask, known};
  // Two threads at once may add the same action twice, which costs the place and nothing else.
  while (!g_actions.compare_exchange_weak(fresh->next, fresh, std::memory_order_release,
                                          std::memory_order_relaxed)) {
  }
  return fresh;
}

struct sigaction to_sigaction(const previous_action& action) {
  struct sigaction out {};
  out.sa_sigaction = action.handler;
  out.sa_flags = action.flags;
  memcpy(&out.sa_mask, &action.mask, sizeof action.mask);
  return out;
}

// Where a handler was before us, the kernel has to treat the thread as that handler wants it, because we
// may have to call it: on the alternate stack or not, system calls restarted or not, with its mask. None of
// that can be made up for afterwards: moved to another stack, our frame on the alternate one would be
// overwritten by the next signal; and the mask of a wait that let the signal through (sigsuspend) is known
// to the kernel alone. With none before us, the alternate stack is the safer one, no system call is
// interrupted, and nothing interrupts the handler.
struct sigaction in_front_of(const previous_action& previous, void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction ours {};
  if (is_default(previous) || is_ignore(previous)) {
    ours.sa_flags = SA_ONSTACK | SA_RESTART;
    memset(&ours.sa_mask, 0xff, sizeof ours.sa_mask);  // sigfillset leaves the C library's own out
  } else {
    ours = to_sigaction(previous);
    ours.sa_flags &= SA_ONSTACK | SA_RESTART | SA_NODEFER;
  }
  ours.sa_sigaction = handler;
  ours.sa_flags |= SA_SIGINFO;
  return ours;
}

}  // namespace nosigbus::actions
