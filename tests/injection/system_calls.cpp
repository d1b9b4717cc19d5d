// SPDX-License-Identifier: MIT
#include "system_calls.h"

#include <sys/syscall.h>

#include <cerrno>
#include <fstream>
#include <map>
#include <regex>
#include <stdexcept>

namespace test {

namespace {

#define NAMED(name) \
  { #name, SYS_##name }
const std::map<std::string, int>& numbers() {
  static const std::map<std::string, int> all{
#ifdef SYS_epoll_wait
      NAMED(epoll_wait),
#else
      {"epoll_wait", SYS_epoll_pwait},  // what the C library makes of it
#endif
      NAMED(brk),
      NAMED(clock_gettime),
      NAMED(clone),
      NAMED(close),
      NAMED(close_range),
      NAMED(dup),
      NAMED(epoll_create1),
      NAMED(epoll_ctl),
      NAMED(exit),
      NAMED(exit_group),
      NAMED(fcntl),
      NAMED(fstat),
      NAMED(fstatfs),
      NAMED(futex),
      NAMED(getpid),
      NAMED(getppid),
      NAMED(gettid),
      NAMED(inotify_init1),
      NAMED(inotify_add_watch),
      NAMED(inotify_rm_watch),
      NAMED(ioctl),
      NAMED(kcmp),
      NAMED(lseek),
      NAMED(madvise),
      NAMED(mmap),
      NAMED(mprotect),
      NAMED(mremap),
      NAMED(msync),
      NAMED(munlock),
      NAMED(munmap),
      NAMED(nanosleep),
      NAMED(newfstatat),
      NAMED(openat),
      NAMED(pipe2),
      NAMED(prctl),
      NAMED(pread64),
      NAMED(prlimit64),
      NAMED(process_vm_readv),
      NAMED(read),
#ifdef SYS_readlink
      NAMED(readlink),
#else
      {"readlink", SYS_readlinkat},
#endif
      NAMED(rt_sigaction),
      NAMED(rt_sigprocmask),
      NAMED(rt_sigreturn),
      NAMED(rt_sigqueueinfo),
      NAMED(rt_tgsigqueueinfo),
      NAMED(sigaltstack),
      NAMED(statfs),
      NAMED(tgkill),
      NAMED(sysinfo),
      NAMED(timerfd_create),
      NAMED(timerfd_settime),
      NAMED(uname),
      NAMED(unshare),
      NAMED(wait4),
      NAMED(write)};
  return all;
}
#undef NAMED

bool has_short_result(int number) {
  return number == SYS_read || number == SYS_pread64 || number == SYS_write || number == SYS_process_vm_readv;
}

call_names calls_in_row(const std::string& row) {
  std::ifstream text(NOSIGBUS_TEST_SANDBOX_DOCUMENT);
  const std::string wanted = "| " + row + " |";
  for (std::string line; std::getline(text, line);) {
    if (line.rfind(wanted, 0) != 0) continue;
    static const std::regex name("`([a-z0-9_]+)`");
    const std::string cell = line.substr(wanted.size());
    call_names found;
    for (std::sregex_iterator at(cell.begin(), cell.end(), name), end; at != end; ++at) {
      found.insert((*at)[1]);
    }
    return found;
  }
  throw std::runtime_error("docs/sandbox.md has no row '" + row + "'");
}

}  // namespace

std::string name_of_system_call(int number) {
  for (const auto& [name, value] : numbers()) {
    if (value == number) return name;
  }
  return "#" + std::to_string(number);
}

int number_of_system_call(const std::string& name) {
  const auto found = numbers().find(name);
  return found == numbers().end() ? -1 : found->second;
}

std::vector<int> plausible_failures(int number) {
  switch (number) {
    case SYS_mmap:
      return {ENOMEM, EAGAIN, EPERM};
    case SYS_mremap:
    case SYS_mprotect:
    case SYS_madvise:
      return {ENOMEM, EINVAL, EPERM};
    case SYS_munmap:
    case SYS_brk:
      return {ENOMEM};
    case SYS_openat:
      return {EMFILE, ENFILE, EACCES};
    case SYS_pipe2:
    case SYS_epoll_create1:
    case SYS_inotify_init1:
      return {EMFILE, ENFILE, ENOSYS};
    case SYS_read:
    case SYS_pread64:
    case SYS_write:
      return {short_result, EAGAIN, EINTR};
    case SYS_process_vm_readv:
      return {short_result, EPERM, ENOSYS};
    case SYS_fcntl:
      return {EMFILE, EINVAL, EPERM};
    case SYS_futex:
      return {EAGAIN, EINTR, EPERM};
    default:
      return {EPERM, ENOSYS, EINVAL};
  }
}

std::vector<int> all_failures(int number) {
  if (number == SYS_brk) return {ENOMEM};  // it has no other
  std::vector<int> all{ENOMEM, EPERM, EINVAL, EAGAIN, EMFILE, ENFILE, EINTR, ENOSYS, EACCES};
  if (has_short_result(number)) all.push_back(short_result);
  return all;
}

call_names documented_calls(const std::vector<std::string>& rows) {
  call_names all;
  for (const std::string& row : rows) all.merge(calls_in_row(row));
  return all;
}

}  // namespace test
