// SPDX-License-Identifier: MIT
//
// The protocol between clients and server: messages of fixed size over a SOCK_SEQPACKET socket.
//
// A client says hello, attaches a memfd (SCM_RIGHTS), and then, frame by frame, draws, sends the
// damaged rectangle and waits for `done`, which gives the buffer back to it. It may attach another
// buffer at any time before a damage message.
#ifndef NOSIGBUS_DEMO_WIRE_H
#define NOSIGBUS_DEMO_WIRE_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace demo {

enum class message_kind : std::uint32_t { hello = 1, attach, damage, done, refused };

struct hello_message {
  message_kind kind;
  std::uint32_t role;
};

// The picture begins `offset` bytes into the file; `length` bytes of the file are to be mapped. With
// the file descriptor.
struct attach_message {
  message_kind kind;
  std::uint32_t width, height, stride;
  std::uint64_t offset, length;
};

struct damage_message {
  message_kind kind;
  std::uint32_t frame;
  std::int32_t x, y, width, height;
};

// From the server: `done` frees the buffer after a frame, `last` ends the session; `refused` answers
// an attach that makes no sense, the buffer before it stays.
struct reply_message {
  message_kind kind;
  std::uint32_t frame;
  std::uint32_t last;
};

class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept;
  ~unique_fd();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// A name that begins with '@' is abstract: nothing in the file system. Both return an empty unique_fd
// and leave errno on failure. connect_to waits up to `patience_ms` for a server to appear.
unique_fd listen_at(const std::string& name);
unique_fd connect_to(const std::string& name, int patience_ms);

// Sends one message, with a descriptor unless `fd` is -1. Never raises SIGPIPE.
bool send_message(int socket, const void* message, std::size_t size, int fd, bool wait);

enum class receive_state { message, nothing, closed, malformed };

struct received {
  receive_state state;
  std::size_t size;
  unique_fd fd;
};

// Receives one message of at most `capacity` bytes and at most one descriptor. More of either is
// `malformed`; surplus descriptors are closed by the kernel.
received receive_message(int socket, void* buffer, std::size_t capacity, bool wait);

}  // namespace demo

#endif
