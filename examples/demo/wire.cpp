// SPDX-License-Identifier: MIT
#include "wire.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace demo {
namespace {

bool make_address(const std::string& name, sockaddr_un& address, socklen_t& size) {
  address = {};
  address.sun_family = AF_UNIX;
  if (name.empty() || name.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return false;
  }
  std::memcpy(address.sun_path, name.data(), name.size());
  size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (name[0] == '@') {
    address.sun_path[0] = '\0';
  } else {
    ++size;
  }
  return true;
}

unique_fd open_socket() { return unique_fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)); }

void take_descriptor(msghdr& header, received& result) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
       control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t index = 0; index < count; ++index) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + index * sizeof fd, sizeof fd);
      if (result.fd) result.state = receive_state::malformed;
      result.fd = unique_fd(fd);
    }
  }
}

}  // namespace

unique_fd& unique_fd::operator=(unique_fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

unique_fd::~unique_fd() {
  if (fd_ >= 0) ::close(fd_);
}

unique_fd listen_at(const std::string& name) {
  sockaddr_un address;
  socklen_t size = 0;
  if (!make_address(name, address, size)) return {};
  unique_fd socket = open_socket();
  if (!socket || ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(socket.get(), 16) != 0) {
    return {};
  }
  return socket;
}

unique_fd connect_to(const std::string& name, int patience_ms) {
  constexpr int step_ms = 5;
  sockaddr_un address;
  socklen_t size = 0;
  if (!make_address(name, address, size)) return {};
  for (int waited = 0;; waited += step_ms) {
    unique_fd socket = open_socket();
    if (!socket) return {};
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), size) == 0) return socket;
    const bool not_there_yet = errno == ECONNREFUSED || errno == ENOENT || errno == EINTR;
    if (!not_there_yet || waited >= patience_ms) return {};
    const timespec pause{0, step_ms * 1'000'000L};
    ::nanosleep(&pause, nullptr);
  }
}

bool send_message(int socket, const void* message, std::size_t size, int fd, bool wait) {
  iovec part{const_cast<void*>(message), size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (fd >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket, &header, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(size);
}

received receive_message(int socket, void* buffer, std::size_t capacity, bool wait) {
  iovec part{buffer, capacity};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t size = 0;
  do {
    size = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
  } while (size < 0 && errno == EINTR);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {receive_state::nothing, 0, {}};
  if (size <= 0) return {receive_state::closed, 0, {}};
  received result{receive_state::message, static_cast<std::size_t>(size), {}};
  take_descriptor(header, result);
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) result.state = receive_state::malformed;
  return result;
}

}  // namespace demo
