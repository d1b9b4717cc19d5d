// SPDX-License-Identifier: MIT
//
// One client, as the server sees it: everything that arrives is checked before it is used.
#ifndef NOSIGBUS_DEMO_SESSION_H
#define NOSIGBUS_DEMO_SESSION_H

#include <cstdint>

#include "canvas.h"
#include "read_path.h"
#include "report.h"
#include "wire.h"

namespace demo {

std::int64_t now_ms();

class session {
 public:
  session(unique_fd socket, server_report& report);

  bool live() const { return static_cast<bool>(socket_); }
  // Has said who it is.
  bool introduced() const { return role_ < role_count; }
  std::uint32_t role_index() const { return role_; }
  // Has damage that was not drawn yet.
  bool pending() const { return pending_; }
  bool drawn_once() const { return frame_ > 0; }
  // The frame that its tile shows.
  int shown_frame() const { return static_cast<int>(frame_) - 1; }
  int socket() const { return socket_.get(); }

  // A late client is not waited for until it speaks again.
  bool late() const { return late_; }
  void set_late(bool late);
  std::int64_t silent_since() const { return heard_ms_; }

  // Takes what has arrived, up to the next damage. `taken`: a bit for each role that others have.
  void receive(std::uint32_t taken);
  // Reads the pending damage into the tile.
  void draw(const canvas& tile);
  // Gives the buffer back to the client.
  void release(bool last);
  // Ends the session; a cause marks the client as hostile.
  void drop(const char* cause);

 private:
  union message {
    message_kind kind;
    hello_message hello;
    attach_message attach;
    damage_message damage;
  };

  bool take(const message& arrived, std::size_t size, unique_fd fd, std::uint32_t taken);
  bool take_hello(const hello_message& hello, std::uint32_t taken);
  bool take_attach(const attach_message& attach, const unique_fd& fd);
  bool take_damage(const damage_message& damage);
  bool try_attach(const attach_message& attach, const unique_fd& fd);
  void accuse(const char* cause);

  unique_fd socket_;
  server_report& report_;
  std::uint32_t role_ = role_count;
  // The entry of this client in the report; nullptr before its hello.
  client_report* entry_ = nullptr;
  read_path::buffer_ptr buffer_;
  attach_message format_{};
  rect damage_{};
  bool pending_ = false;
  bool late_ = false;
  std::uint32_t frame_ = 0;
  std::int64_t heard_ms_;
  int budget_;
};

}  // namespace demo

#endif
