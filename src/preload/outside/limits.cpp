// SPDX-License-Identifier: MIT
//
// The program's limits: one that has been raised may have been what there was no healer for.
#include <src/preload/inside/healer.h>
#include <src/preload/outside/real.h>
#include <sys/resource.h>

using namespace nosigbus::preload;

namespace {

// As the C library declares them, in C++.
using resource = __rlimit_resource_t;
using named_resource = __rlimit_resource;
constinit real<int(resource, const rlimit*)> g_setrlimit("setrlimit");
constinit real<int(resource, const rlimit64*)> g_setrlimit64("setrlimit64");
constinit real<int(pid_t, named_resource, const rlimit*, rlimit*)> g_prlimit("prlimit");
constinit real<int(pid_t, named_resource, const rlimit64*, rlimit64*)> g_prlimit64("prlimit64");

int afterwards(int result) {
  healer::wake_if_missed();
  return result;
}

}  // namespace

void nosigbus::preload::look_up_limits() { look_up(g_setrlimit, g_setrlimit64, g_prlimit, g_prlimit64); }

NOSIGBUS_WRAPPER int setrlimit(resource which, const rlimit* limit) noexcept {
  return afterwards(g_setrlimit(which, limit));
}
NOSIGBUS_WRAPPER int setrlimit64(resource which, const rlimit64* limit) noexcept {
  return afterwards(g_setrlimit64(which, limit));
}
NOSIGBUS_WRAPPER int prlimit(pid_t process, named_resource which, const rlimit* limit, rlimit* old) noexcept {
  return afterwards(g_prlimit(process, which, limit, old));
}
NOSIGBUS_WRAPPER int prlimit64(pid_t process, named_resource which, const rlimit64* limit,
                               rlimit64* old) noexcept {
  return afterwards(g_prlimit64(process, which, limit, old));
}
