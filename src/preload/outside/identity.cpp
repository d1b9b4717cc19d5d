// SPDX-License-Identifier: MIT
//
// What a process can do only while it has one thread, or has to do on each: the healer is away meanwhile, of
// which the C library does not know.
#include <grp.h>
#include <sched.h>
#include <src/preload/inside/books.h>
#include <src/preload/inside/healer.h>
#include <src/preload/outside/real.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <unistd.h>

using namespace nosigbus::preload;

namespace {

template <healer::next Then = healer::next::healer_if_needed, class Function, class... Arguments>
auto without_healer(real<Function>& function, Arguments... arguments) {
  // Also where nothing is damaged: it may be a moment later.
  if (g_state == nullptr || in_vfork_child()) return function(arguments...);
  healer::pause();
  const auto result = function(arguments...);
  healer::resume(Then);
  return result;
}

constinit real<int(uid_t)> g_setuid("setuid"), g_seteuid("seteuid");
constinit real<int(gid_t)> g_setgid("setgid"), g_setegid("setegid");
constinit real<int(uid_t, uid_t)> g_setreuid("setreuid");
constinit real<int(gid_t, gid_t)> g_setregid("setregid");
constinit real<int(uid_t, uid_t, uid_t)> g_setresuid("setresuid");
constinit real<int(gid_t, gid_t, gid_t)> g_setresgid("setresgid");
constinit real<int(size_t, const gid_t*)> g_setgroups("setgroups");
constinit real<int(const char*, gid_t)> g_initgroups("initgroups");
constinit real<int(int)> g_unshare("unshare");
constinit real<int(int, int)> g_setns("setns");
constinit real<int(void*, const void*)> g_capset("capset");
constinit real<int(int, ...)> g_prctl("prctl");

// What a thread gives up for itself alone: a healer that still had it would be a way around.
bool gives_up_privileges(int option) {
  switch (option) {
    case PR_SET_NO_NEW_PRIVS:
    case PR_SET_SECCOMP:
    case PR_SET_SECUREBITS:
    case PR_CAPBSET_DROP:
    case PR_CAP_AMBIENT:
      return true;
    default:
      return false;
  }
}

}  // namespace

void nosigbus::preload::look_up_identity() {
  look_up(g_setuid, g_seteuid, g_setgid, g_setegid, g_setreuid, g_setregid, g_setresuid, g_setresgid,
          g_setgroups, g_initgroups, g_unshare, g_setns, g_capset, g_prctl);
}

NOSIGBUS_WRAPPER int setuid(uid_t id) noexcept { return without_healer(g_setuid, id); }
NOSIGBUS_WRAPPER int seteuid(uid_t id) noexcept { return without_healer(g_seteuid, id); }
NOSIGBUS_WRAPPER int setgid(gid_t id) noexcept { return without_healer(g_setgid, id); }
NOSIGBUS_WRAPPER int setegid(gid_t id) noexcept { return without_healer(g_setegid, id); }
NOSIGBUS_WRAPPER int setreuid(uid_t id, uid_t effective) noexcept {
  return without_healer(g_setreuid, id, effective);
}
NOSIGBUS_WRAPPER int setregid(gid_t id, gid_t effective) noexcept {
  return without_healer(g_setregid, id, effective);
}
NOSIGBUS_WRAPPER int setresuid(uid_t id, uid_t effective, uid_t saved) noexcept {
  return without_healer(g_setresuid, id, effective, saved);
}
NOSIGBUS_WRAPPER int setresgid(gid_t id, gid_t effective, gid_t saved) noexcept {
  return without_healer(g_setresgid, id, effective, saved);
}
NOSIGBUS_WRAPPER int setgroups(size_t count, const gid_t* groups) noexcept {
  return without_healer(g_setgroups, count, groups);
}
NOSIGBUS_WRAPPER int initgroups(const char* user, gid_t group) {
  return without_healer(g_initgroups, user, group);
}
NOSIGBUS_WRAPPER int unshare(int flags) noexcept { return without_healer(g_unshare, flags); }
NOSIGBUS_WRAPPER int setns(int fd, int kind) noexcept { return without_healer(g_setns, fd, kind); }
NOSIGBUS_WRAPPER int capset(void* header, const void* data) noexcept {
  return without_healer(g_capset, header, data);
}
NOSIGBUS_WRAPPER int prctl(int option, ...) noexcept {
  unsigned long values[4];
  va_list arguments;
  va_start(arguments, option);
  for (unsigned long& value : values) value = va_arg(arguments, unsigned long);
  va_end(arguments);
  const auto [second, third, fourth, fifth] = values;
  if (!gives_up_privileges(option)) return g_prctl(option, second, third, fourth, fifth);
  // The filter may not permit what it takes to make one.
  if (option == PR_SET_SECCOMP) {
    return without_healer<healer::next::nobody>(g_prctl, option, second, third, fourth, fifth);
  }
  return without_healer(g_prctl, option, second, third, fourth, fifth);
}
