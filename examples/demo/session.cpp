// SPDX-License-Identifier: MIT
#include "session.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace demo {
namespace {

// Messages between two frames; more is a flood.
constexpr int message_budget = 16;
// With these limits no product or sum below comes near an overflow.
constexpr std::uint32_t max_side = 16384;
constexpr std::uint32_t max_stride = 4 * max_side;
constexpr std::uint64_t max_length = std::uint64_t{1} << 42;

bool makes_sense(const attach_message& attach) {
  if (attach.width == 0 || attach.width > max_side) return false;
  if (attach.height == 0 || attach.height > max_side) return false;
  if (attach.stride < attach.width * pixel_bytes || attach.stride > max_stride) return false;
  if (attach.length == 0 || attach.length > max_length || attach.offset > attach.length) return false;
  const std::uint64_t last_row = std::uint64_t{attach.stride} * (attach.height - 1);
  return last_row + attach.width * pixel_bytes <= attach.length - attach.offset;
}

// The common part of the damage, the picture and the tile; empty when they have none. In 64 bits,
// because x + width is the client's to choose.
rect clip(const damage_message& damage, const attach_message& format) {
  const std::int64_t right =
      std::min<std::int64_t>({std::int64_t{damage.x} + damage.width, format.width, tile_width});
  const std::int64_t bottom =
      std::min<std::int64_t>({std::int64_t{damage.y} + damage.height, format.height, tile_height});
  const std::int64_t left = std::max(damage.x, 0);
  const std::int64_t top = std::max(damage.y, 0);
  if (right <= left || bottom <= top) return {};
  return {static_cast<int>(left), static_cast<int>(top), static_cast<int>(right - left),
          static_cast<int>(bottom - top)};
}

}  // namespace

std::int64_t now_ms() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

session::session(unique_fd socket, server_report& report)
    : socket_(std::move(socket)), report_(report), heard_ms_(now_ms()), budget_(message_budget) {}

void session::receive(std::uint32_t taken) {
  while (live() && !pending_) {
    message arrived;
    received result = receive_message(socket(), &arrived, sizeof arrived, false);
    if (result.state == receive_state::nothing) return;
    if (result.state == receive_state::closed) return drop(nullptr);
    heard_ms_ = now_ms();
    set_late(false);
    const bool accepted = result.state == receive_state::message && --budget_ >= 0 &&
                          take(arrived, result.size, std::move(result.fd), taken);
    if (!accepted) return drop("broken protocol");
  }
}

bool session::take(const message& arrived, std::size_t size, unique_fd fd, std::uint32_t taken) {
  if (size < sizeof arrived.kind) return false;
  // A descriptor comes with an attach message and with no other.
  if (static_cast<bool>(fd) != (arrived.kind == message_kind::attach)) return false;
  switch (arrived.kind) {
    case message_kind::hello:
      return size == sizeof arrived.hello && take_hello(arrived.hello, taken);
    case message_kind::attach:
      return size == sizeof arrived.attach && take_attach(arrived.attach, fd);
    case message_kind::damage:
      return size == sizeof arrived.damage && take_damage(arrived.damage);
    default:
      return false;
  }
}

bool session::take_hello(const hello_message& hello, std::uint32_t taken) {
  if (introduced() || hello.role >= role_count || (taken >> hello.role & 1) != 0) return false;
  role_ = hello.role;
  entry_ = &report_.clients[role_];
  return true;
}

bool session::try_attach(const attach_message& attach, const unique_fd& fd) {
  if (!makes_sense(attach)) return false;
  // Sealable files live in memory. A page of any other file can make its reader wait as long as the
  // client likes (FUSE, a network), and no handler of ours would be asked.
  if (::fcntl(fd.get(), F_GET_SEALS) < 0) return false;
  int error = 0;
  read_path::buffer_ptr mapped = read_path::attach(fd.get(), attach.length, error);
  if (!mapped) return false;
  buffer_ = std::move(mapped);
  format_ = attach;
  return true;
}

bool session::take_attach(const attach_message& attach, const unique_fd& fd) {
  if (!introduced()) return false;
  if (try_attach(attach, fd)) return true;
  ++entry_->refused;
  const reply_message reply{message_kind::refused, frame_, 0};
  return send_message(socket(), &reply, sizeof reply, -1, false);
}

bool session::take_damage(const damage_message& damage) {
  if (!buffer_ || damage.frame != frame_) return false;
  damage_ = clip(damage, format_);
  pending_ = true;
  return true;
}

void session::draw(const canvas& tile) {
  pending_ = false;
  ++frame_;
  ++entry_->drawn;
  if (damage_.width == 0) return;
  const std::size_t stride = format_.stride;
  const read_path::source from{format_.offset + static_cast<std::size_t>(damage_.y) * stride +
                                   static_cast<std::size_t>(damage_.x) * pixel_bytes,
                               stride, static_cast<std::size_t>(damage_.width),
                               static_cast<std::size_t>(damage_.height)};
  report_.reading = role_;
  const read_path::outcome outcome = read_path::read(*buffer_, from, tile.part(damage_).pixels, tile.stride);
  report_.reading = role_count;
  entry_->faults += outcome.faults;
  // A real server would disconnect the client here. This one only marks it and serves on, so that
  // hundreds of attacks are met and not six.
  if (outcome.cause != nullptr) accuse(outcome.cause);
}

void session::release(bool last) {
  budget_ = message_budget;
  heard_ms_ = now_ms();
  const reply_message reply{message_kind::done, frame_ - 1, last ? 1U : 0U};
  if (send_message(socket(), &reply, sizeof reply, -1, false)) return;
  // Nobody waits for a client that does not read its replies.
  drop(errno == EAGAIN ? "does not read" : nullptr);
}

void session::set_late(bool late) {
  late_ = late;
  if (entry_ != nullptr) entry_->late = late ? 1 : 0;
}

void session::accuse(const char* cause) {
  if (entry_ == nullptr) return;
  entry_->found_out = 1;
  std::strncpy(entry_->cause, cause, sizeof entry_->cause - 1);
}

void session::drop(const char* cause) {
  if (cause != nullptr) accuse(cause);
  pending_ = false;
  set_late(false);
  buffer_.reset();
  socket_ = unique_fd();
}

}  // namespace demo
