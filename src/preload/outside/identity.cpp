// SPDX-License-Identifier: MIT
//
// What a process can do only while it has one thread, or has to do on each: the healer is away meanwhile, of
// which the C library does not know.
#include <grp.h>
#include <sched.h>
#include <src/preload/inside/books.h>
#include <src/preload/inside/healer.h>
#include <src/preload/outside/real.h>
#include <unistd.h>

using namespace nosigbus::preload;

namespace {

template <class Function, class... Arguments>
auto without_healer(real<Function>& function, Arguments... arguments) {
  // Also where nothing is damaged: it may be a moment later.
  if (g_state == nullptr || in_vfork_child()) return function(arguments...);
  healer::pause();
  const auto result = function(arguments...);
  healer::resume();
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

}  // namespace

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
