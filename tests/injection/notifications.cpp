// SPDX-License-Identifier: MIT
#include "notifications.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <stdexcept>

#include "support/child.h"

namespace test {

namespace {

// All calls are asked about, but that by which the listener is handed over.
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

void answer_one(int listener, const notifications::decision& decide) {
  seccomp_notif request{};
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) return;
  system_call call{request.data.nr, {}};
  std::copy(std::begin(request.data.args), std::end(request.data.args), call.arguments);
  const std::optional<long> result = decide(static_cast<pid_t>(request.pid), call);
  seccomp_notif_resp response{};
  response.id = request.id;
  if (!result) {
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  } else if (*result < 0) {
    response.error = static_cast<int>(*result);
  } else {
    response.val = *result;
  }
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

}  // namespace

notifications::notifications() {
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_) != 0)
    throw std::runtime_error("no socket pair");
}

notifications::~notifications() {
  for (const int end : ends_) {
    if (end >= 0) close(end);
  }
}

void notifications::ask() {
  close(ends_[0]);
  const int listener = install_filter();
  CHILD_CHECK(listener >= 0);
  send_descriptor(ends_[1], listener);
  close(listener);
  close(ends_[1]);
}

bool notifications::answer(const decision& decide, const std::function<bool()>& goes_on, int milliseconds) {
  close(ends_[1]);
  ends_[1] = -1;
  const int listener = receive_descriptor(ends_[0]);
  if (listener < 0) return true;  // gone already
  bool gone = false, patient = true;
  while (!gone && patient && goes_on()) {
    pollfd item{listener, POLLIN, 0};
    patient = poll(&item, 1, milliseconds) != 0;
    gone = patient && (item.revents & POLLIN) == 0;
    if (patient && !gone) answer_one(listener, decide);
  }
  close(listener);
  return gone;
}

}  // namespace test
