// SPDX-License-Identifier: MIT
#include "supervised.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <nosigbus/runtime.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "support/shared_file.h"
#include "system_calls.h"

namespace test {

namespace {

// Between the child and its supervisor.
struct shared_page {
  std::atomic<bool> observed;  // now
  std::atomic<bool> failing;   // the first time
  std::atomic<bool> mappings_failed;
  possessions left;
  char complaint[256];
};

shared_page& board() {
  static shared_page* const page = static_cast<shared_page*>(
      mmap(nullptr, sizeof(shared_page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  return *page;
}

void complain(const char* what, int answer = 0) {
  if (board().complaint[0] == '\0') {
    snprintf(board().complaint, sizeof board().complaint, "%s (%d)", what, answer);
  }
}

// All mappings but the stack and the heap, which grow.
size_t mapped_bytes() {
  static char text[size_t{1} << 18];
  const int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  size_t length = 0;
  for (ssize_t n = 1; n > 0; length += static_cast<size_t>(n)) {
    n = read(maps, text + length, sizeof text - 1 - length);
    CHILD_CHECK(n >= 0);
  }
  close(maps);
  text[length] = '\0';
  size_t sum = 0;
  for (char* line = strtok(text, "\n"); line != nullptr; line = strtok(nullptr, "\n")) {
    char* end = nullptr;
    const uintptr_t from = strtoul(line, &end, 16), to = strtoul(end + 1, nullptr, 16);
    if (strstr(line, "[stack]") == nullptr && strstr(line, "[heap]") == nullptr) sum += to - from;
  }
  return sum;
}

uint64_t blocked_signals() {
  uint64_t mask = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &mask, sizeof mask);
  return mask;
}

class supervised_stage : public stage {
 public:
  void begin() override {
    mask_ = blocked_signals();
    board().observed.store(true);
  }
  void end() override {
    board().observed.store(false);
    if (blocked_signals() != mask_) complain("another signal mask");
  }
  int judge(const answers& permitted, int answer) override {
    if (answer != permitted.expected && !permits(permitted, answer)) complain("answered", answer);
    return answer;
  }
  bool failing() const override { return board().failing.load(); }
  bool mappings_failed() const override { return board().mappings_failed.load(); }

 private:
  bool permits(const answers& permitted, int answer) const {
    if (!failing()) return false;
    return (permitted.any_error && answer < 0) ||
           std::find(permitted.others.begin(), permitted.others.end(), answer) != permitted.others.end();
  }

  uint64_t mask_ = 0;
};

// All calls are asked about, but those by which the child talks and ends.
int install_filter() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{sizeof program / sizeof *program, program};
  CHILD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  return static_cast<int>(
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter));
}

union descriptor_message {
  cmsghdr header;
  char room[CMSG_SPACE(sizeof(int))];
};

msghdr message_of(descriptor_message& control, iovec& byte) {
  msghdr message{};
  message.msg_iov = &byte;
  message.msg_iovlen = 1;
  message.msg_control = control.room;
  message.msg_controllen = sizeof control.room;
  return message;
}

void send_descriptor(int to, int fd) {
  char nothing = 0;
  iovec byte{&nothing, 1};
  descriptor_message control{};
  const msghdr message = message_of(control, byte);
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
  CHILD_CHECK(sendmsg(to, &message, 0) == 1);
}

int receive_descriptor(int from) {
  char nothing = 0;
  iovec byte{&nothing, 1};
  descriptor_message control{};
  msghdr message = message_of(control, byte);
  int fd = -1;
  if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) == 1 && message.msg_controllen != 0) {
    memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
  }
  return fd;
}

[[noreturn]] void play_twice(const scenario& what, int supervisor) {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (what.dies_by == 0) catch_declined_faults();
  if (what.installed) CHILD_CHECK(nosigbus_install(0) == 0);
  const int listener = install_filter();
  CHILD_CHECK(listener >= 0);
  send_descriptor(supervisor, listener);
  close(listener);
  close(supervisor);
  supervised_stage stage;
  what.play(stage);
  board().failing.store(false);
  what.play(stage);
  board().left = {mapped_bytes(), count_descriptors()};
  _exit(0);
}

class supervisor {
 public:
  supervisor(int listener, pid_t child, const scenario& what, const std::optional<failure>& how, report& out)
      : listener_(listener), child_(child), what_(what), how_(how), out_(out) {}

  // Until the child is gone; or false when nothing has happened for long, or the same without an end.
  bool run() {
    constexpr size_t endless = 20'000;
    while (out_.calls.size() < endless) {
      pollfd item{listener_, POLLIN, 0};
      if (poll(&item, 1, 60'000) == 0) return false;
      if ((item.revents & POLLIN) == 0) return true;
      seccomp_notif request{};
      if (ioctl(listener_, SECCOMP_IOCTL_NOTIF_RECV, &request) == 0) answer(request);
    }
    return false;
  }

 private:
  void answer(const seccomp_notif& request) {
    seccomp_notif_resp response{};
    response.id = request.id;
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    // What the handler returns by is no call that could fail.
    const bool other_thread = static_cast<pid_t>(request.pid) != child_;
    if (other_thread == what_.other_threads && board().observed.load() && board().failing.load() &&
        !is_foreign(request.data.nr)) {
      system_call call{request.data.nr, {}};
      std::copy(std::begin(request.data.args), std::end(request.data.args), call.arguments);
      if (call.number != SYS_rt_sigreturn && is_to_fail(call)) {
        response.flags = 0;
        response.error = -how_->error;
        note_failed(call);
      }
      out_.calls.push_back(call);
    }
    ioctl(listener_, SECCOMP_IOCTL_NOTIF_SEND, &response);
  }

  bool is_to_fail(const system_call& call) const {
    if (!how_ || how_->number != call.number) return false;
    const auto is_same = [&](const system_call& before) { return before.number == call.number; };
    return !how_->nth || std::count_if(out_.calls.begin(), out_.calls.end(), is_same) ==
                             static_cast<std::ptrdiff_t>(*how_->nth);
  }

  bool is_foreign(int number) const { return what_.foreign.count(name_of_system_call(number)) != 0; }

  void note_failed(const system_call& call) {
    ++out_.failed;
    const bool advice = call.number == SYS_madvise && (how_->error == ENOMEM || how_->error == EINVAL);
    if (advice || call.number == SYS_mmap || call.number == SYS_mremap) board().mappings_failed.store(true);
    const size_t page = page_size();
    if (call.number == SYS_munmap) out_.unmappable += (call.arguments[1] + page - 1) / page * page;
    // Release closes nothing of which it cannot tell that it is its own still.
    if (call.number == SYS_close || call.number == SYS_fstat) ++out_.unclosable;
  }

  const int listener_;
  const pid_t child_;
  const scenario& what_;
  const std::optional<failure>& how_;
  report& out_;
};

}  // namespace

report supervise(const scenario& what, const std::optional<failure>& how) {
  shared_page& page = board();
  page.observed.store(false);
  page.failing.store(true);
  page.mappings_failed.store(false);
  page.left = {};
  page.complaint[0] = '\0';
  report out;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    out.complaint = "no socket pair";
    return out;
  }
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    play_twice(what, ends[1]);
  }
  close(ends[1]);
  const int listener = receive_descriptor(ends[0]);
  close(ends[0]);
  if (listener >= 0 && !supervisor(listener, child, what, how, out).run()) kill(child, SIGKILL);
  if (listener >= 0) close(listener);
  out.end = wait_for(child, 20);
  out.left = page.left;
  out.complaint = page.complaint;
  return out;
}

}  // namespace test
