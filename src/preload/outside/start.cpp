// SPDX-License-Identifier: MIT
//
// Before main: what the handler needs is there, then the handler.
#include <fcntl.h>
#include <nosigbus/backtrace.h>
#include <pthread.h>
#include <src/inside/errand.h>
#include <src/inside/mapping_info.h>
#include <src/preload/inside/books.h>
#include <src/preload/inside/diary.h>
#include <src/preload/inside/errands.h>
#include <src/preload/inside/healer.h>
#include <src/preload/inside/spare_mappings.h>
#include <src/preload/options.h>
#include <src/preload/outside/actions.h>
#include <src/preload/outside/real.h>
#include <src/shared/fork_wiped.h>
#include <src/shared/syscalls.h>

namespace nosigbus::preload {

namespace {

void identify_zeros() {
  struct stat status {};
  if (sys::failed(sys::stat("/dev/zero", &status))) return;
  g_zero = {device_number(status.st_dev), status.st_ino};
}

// Of nosigbus-run; a process without one is protected all the same.
void open_journal(const char* const* environment) {
  const char* const path = variable(environment, "NOSIGBUS_JOURNAL");
  if (path == nullptr) return;
  const long fd = sys::open(path, O_RDWR | O_CLOEXEC);
  if (sys::failed(fd)) return;
  struct stat status {};
  const bool fits = !sys::failed(sys::fstat(static_cast<int>(fd), &status)) &&
                    static_cast<uint64_t>(status.st_size) >= sizeof(journal);
  const long mapped =
      fits ? sys::mmap(0, sizeof(journal), PROT_READ | PROT_WRITE, MAP_SHARED, static_cast<int>(fd), 0) : -1;
  sys::close(static_cast<int>(fd));
  if (sys::failed(mapped)) return;
  auto* const found = reinterpret_cast<journal*>(mapped);
  if (found->magic != journal::magic_value) {
    sys::munmap(static_cast<uintptr_t>(mapped), sizeof(journal));
    return;
  }
  diary::g_journal = found;
}

// A parent can leave SIGBUS blocked to us (execve(2)). False: it may be.
bool open_mask_of_this_thread() {
  uint64_t before = 0;
  if (sys::failed(sys::change_signal_mask(SIG_UNBLOCK, sigbus_bit, &before))) return false;
  t_sigbus_blocked = (before & sigbus_bit) != 0;
  return true;
}

// The healer is not among the threads that a child has.
void after_fork() {
  note_own_pid();
  open_held_mask();  // nothing is pending in a child
  if (any_guarded()) healer::wake();
}

void look_up_functions() {
  look_up_actions();
  look_up_masks();
  look_up_ways_to_give_up();
  look_up_identity();
  look_up_limits();
  dlerror();  // an older C library does not have all of them, which is not the program's business
}

// After the core's own (runtime.cpp), before those of the program and of its libraries, and of the C library
// (-z initfirst). The arguments are main's.
__attribute__((constructor(102))) void start(int, char**, char** environment) {
  look_up_functions();
  const uintptr_t state = map_fork_wiped(sizeof(shared_state));
  if (state == 0) return;
  g_state = reinterpret_cast<shared_state*>(state);
  note_own_pid();  // before there is a child of vfork to be taken for us
  read_options(environment);
  identify_zeros();
  open_journal(environment);
#ifdef NOSIGBUS_HAS_BACKTRACE
  if (g_options.backtrace) nosigbus_backtrace_enable();
#endif
  const bool open = open_mask_of_this_thread();
  pthread_atfork(nullptr, nullptr, after_fork);
  keep_spare_mappings();
  healer::measure_thread_data();
  g_errand_runner = errands::run;
  // nosigbus-run tells of a program that it ran unprotected unless it hears of it.
  if (take_signal(SIGBUS) == 0 && open && diary::g_journal != nullptr) diary::note_attached();
  if (overlays_can_refuse_writes()) take_signal(SIGSEGV);
}

}  // namespace

}  // namespace nosigbus::preload
