// SPDX-License-Identifier: MIT
#include "attack.h"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <memory>
#include <thread>

namespace demo {
namespace {

// How many rows a hostile client leaves: none in every fourth frame, some in the others. Each client
// has its own row of numbers by `salt`.
int rows_in(std::uint32_t frame, std::uint32_t salt) {
  return frame % 4 == 1 ? 0 : static_cast<int>(40 + (frame * 53 + salt) % 170);
}

// Hands over a whole picture and cuts it off once the server may read it.
class truncating : public behaviour {
 public:
  explicit truncating(std::uint32_t salt) : salt_(salt) {}
  void before_draw(client_state& client, std::uint32_t) override { client.file->restore(); }
  void after_commit(client_state& client, std::uint32_t frame) override {
    client.file->keep_rows(rows_in(frame, salt_));
  }

 private:
  const std::uint32_t salt_;
};

// Swings the size up and down. Every other frame ends short; the one after it has grown back, is
// drawn anew and left in peace, so that the server shows it whole, or never recovers.
class growing : public behaviour {
 public:
  void before_draw(client_state& client, std::uint32_t) override { client.file->restore(); }
  void before_commit(client_state& client, std::uint32_t frame) override {
    if (frame % 2 != 0) return;
    for (int swing = 0; swing < 4; ++swing) {
      client.file->keep_rows(0);
      client.file->restore();
    }
    client.file->draw(role::grow, static_cast<int>(frame), whole_tile);
    client.file->keep_rows(40 + rows_in(frame / 2, 30) / 2);
  }
};

// A second thread changes the size without a pause, whatever the server is doing.
class racing : public behaviour {
 public:
  ~racing() override {
    stop_.store(true, std::memory_order_relaxed);
    if (thread_.joinable()) thread_.join();
  }
  void before_draw(client_state& client, std::uint32_t) override {
    if (thread_.joinable()) return;
    thread_ = std::thread([this, file = client.file.get()] {
      for (std::uint32_t round = 0; !stop_.load(std::memory_order_relaxed); ++round) {
        file->keep_rows(static_cast<int>(60 + round * 37 % 160));
        file->restore();
      }
    });
  }

 private:
  std::thread thread_;
  // Set by the destructor and read by the thread; orders nothing else.
  std::atomic<bool> stop_{false};
};

// Describes more than there is: pictures that lie beyond the end of a sealed file, sizes that
// overflow, damage without bounds.
class lying : public behaviour {
 public:
  void before_draw(client_state& client, std::uint32_t frame) override {
    constexpr std::uint32_t frames_per_lie = 20;
    if (frame % frames_per_lie != 0) return;
    attach_message description = describe(*client.file);
    description.stride = UINT32_MAX - 3;
    description.height = UINT32_MAX;
    client.attach(description);
    description = describe(*client.file);
    description.offset = UINT64_MAX - 4095;
    description.length = UINT64_MAX;
    client.attach(description);

    const int rows = rows_in(frame / frames_per_lie, 100);
    client.file =
        std::make_unique<shared_file>(std::uint64_t{picture_stride} * static_cast<unsigned>(rows), 0);
    client.file->seal();
    description = describe(*client.file);
    description.length = std::uint64_t{16} << 30;
    client.attach(description);
  }
  rect damage() const override { return {-100, INT_MIN / 2, INT_MAX, INT_MAX}; }
};

// A sparse file of 2 TiB with the picture in its middle, all of it to be mapped; then it is cut off.
// Less where the server has not so much address space.
class gigantic : public truncating {
 public:
  gigantic() : truncating(60) {}
  void before_draw(client_state& client, std::uint32_t frame) override {
    if (frame > 0 && client.refused) size_ = std::max(size_ / 128, smallest);
    if (frame == 0 || client.refused) {
      client.file = std::make_unique<shared_file>(size_, size_ / 2);
      client.attach(describe(*client.file));
    }
    truncating::before_draw(client, frame);
  }

 private:
  static constexpr std::uint64_t smallest = std::uint64_t{1} << 20;
  static_assert(smallest / 2 >= picture_bytes);
  std::uint64_t size_ = std::uint64_t{2} << 40;
};

// Says nothing more until the server hangs up.
class silent : public behaviour {
 public:
  void before_draw(client_state& client, std::uint32_t) override {
    pollfd wait{client.socket.get(), 0, 0};
    while (::poll(&wait, 1, -1) <= 0) {
    }
  }
};

}  // namespace

attach_message describe(const shared_file& file) {
  return {message_kind::attach, tile_width, tile_height, picture_stride, file.offset(), file.size()};
}

void client_state::attach(const attach_message& description) {
  refused = false;
  send_message(socket.get(), &description, sizeof description, file->fd(), true);
}

std::unique_ptr<behaviour> make_behaviour(role r) {
  switch (r) {
    case role::truncate:
      return std::make_unique<truncating>(80);
    case role::grow:
      return std::make_unique<growing>();
    case role::race:
      return std::make_unique<racing>();
    case role::liar:
      return std::make_unique<lying>();
    case role::giant:
      return std::make_unique<gigantic>();
    case role::mute:
      return std::make_unique<silent>();
    default:
      return std::make_unique<behaviour>();
  }
}

}  // namespace demo
