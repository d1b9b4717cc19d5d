// SPDX-License-Identifier: MIT
#include "signal/handlers.h"

#include <nosigbus/copy.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "support/check.h"

namespace fuzz {

state g_state;

namespace {

bool blocked(int signo) { return (current_mask() >> (signo - 1) & 1) != 0; }

void map_again(unsigned char* at, int prot, int file) {
  const int flags = MAP_FIXED | (file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
  const off_t offset = file < 0 ? 0 : static_cast<off_t>(g_state.page);
  FUZZ_CHECK(mmap(at, g_state.page, prot, flags, file, offset) == at);
}
void make_good(unsigned char* at) { map_again(at, PROT_READ | PROT_WRITE, -1); }

}  // namespace

void tell(uint64_t what) {
  FUZZ_TRACE(" %#lx", static_cast<unsigned long>(what));
  if (g_state.into->count < diary::most) g_state.into->entries[g_state.into->count++] = what;
}

uint64_t current_mask() {
  sigset_t set;
  sigprocmask(SIG_BLOCK, nullptr, &set);
  uint64_t mask;
  memcpy(&mask, &set, sizeof mask);
  return mask;
}

void make_bad() {
  map_again(g_state.missing, PROT_READ | PROT_WRITE, g_state.file);
  map_again(g_state.forbidden, PROT_NONE, -1);
}

void copy_guarded() {
  if (!g_state.in_front || blocked(SIGBUS)) return;
  map_again(g_state.missing, PROT_READ | PROT_WRITE, g_state.file);
  unsigned char bytes[64];
  const bool real = g_state.whom == by::library;
  tell(real ? nosigbus_safe_read(bytes, g_state.missing - 10, sizeof bytes) : 10);
  tell(real ? nosigbus_last_fault()->cause : NOSIGBUS_MISSING);
}

void read_region() {
  if (!g_state.in_front || blocked(SIGBUS)) return;
  if (g_state.whom == by::kernel) return tell(0);
  nosigbus_region* region = nullptr;
  FUZZ_CHECK_EQUAL(nosigbus_map(&region, g_state.file, 0, 3 * g_state.page, PROT_READ, 0), 0);
  const auto* const data = static_cast<const volatile unsigned char*>(nosigbus_region_data(region));
  tell(data[2 * g_state.page]);
  FUZZ_CHECK_EQUAL(nosigbus_region_release(region), 0);
}

namespace {

void react(unsigned how, int signo, siginfo_t* info, void* context) {
  const bool fault = info == nullptr || info->si_code > 0;
  switch (how) {
    case leave:
      if (g_state.can_leave) siglongjmp(g_state.out, 1);
      break;
    case nest:
      if (g_state.calls < 3) tell(*const_cast<volatile unsigned char*>(g_state.forbidden));
      break;
    case send_other:
      if (g_state.calls < 3) raise(signo == SIGBUS ? SIGSEGV : SIGBUS);
      break;
    case ask_first:
      // Nothing here is ours to absorb.
      if (info == nullptr) break;
      tell(g_state.whom == by::kernel ? 0
                                      : static_cast<uint64_t>(nosigbus_handle_signal(signo, info, context)));
      break;
    case copy:
      copy_guarded();
      break;
    case heal:
      read_region();
      break;
    default:
      break;
  }
  if (fault) {
    make_good(g_state.missing);
    make_good(g_state.forbidden);
  }
}

void tell_call(int signo) {
  if (++g_state.calls > 12) _exit(77);
  tell(static_cast<uint64_t>(100 + signo));
  tell(current_mask());
  const unsigned char here = 0;
  const unsigned char* const at = &here;
  tell(at >= g_state.alternate && at < g_state.alternate + sizeof g_state.alternate);
}

template <unsigned How>
void with_info(int signo, siginfo_t* info, void* context) {
  tell_call(signo);
  tell(static_cast<uint64_t>(info->si_code));
  const auto address = static_cast<unsigned char*>(info->si_addr);
  tell(info->si_code > 0 ? static_cast<uint64_t>(address - g_state.missing)
                         : static_cast<uint64_t>(info->si_int));
  react(How, signo, info, context);
}
template <unsigned How>
void without_info(int signo) {
  tell_call(signo);
  react(How, signo, nullptr, nullptr);
}

struct handlers {
  void (*info[reactions])(int, siginfo_t*, void*);
  void (*plain[reactions])(int);
};
template <unsigned... How>
constexpr handlers all_handlers(std::integer_sequence<unsigned, How...>) {
  return {{with_info<How>...}, {without_info<How>...}};
}
constexpr handlers g_handlers = all_handlers(std::make_integer_sequence<unsigned, reactions>());

}  // namespace

void (*info_handler(size_t how))(int, siginfo_t*, void*) { return g_handlers.info[how]; }
void (*plain_handler(size_t how))(int) { return g_handlers.plain[how]; }

}  // namespace fuzz
