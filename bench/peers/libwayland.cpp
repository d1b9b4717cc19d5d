// SPDX-License-Identifier: MIT
#include <wayland-client-core.h>

#include <cstdarg>

#include "../wayland_shm.h"
#include "technique.h"

namespace peers {

namespace {

using connection = std::shared_ptr<bench::wayland_connection>;

// Those that nobody uses, and whose client did nothing wrong: making one takes longer than what is measured.
std::vector<connection> g_idle;

connection take() {
  if (g_idle.empty()) return std::make_shared<bench::wayland_connection>();
  connection taken = std::move(g_idle.back());
  g_idle.pop_back();
  return taken;
}

// A client's buffer over the file. A fault ends the client.
class in_brackets : public reader {
 public:
  in_brackets(int fd, size_t size) : fd_(fd), size_(size) { begin_anew(); }
  ~in_brackets() override { give_up(); }

  size_t read(unsigned char* to, size_t offset, size_t n) override {
    wl_shm_buffer_begin_access(buffer_->get());
    memcpy(to, base_ + offset, n);
    wl_shm_buffer_end_access(buffer_->get());
    return n;
  }
  void touch(const uint32_t* pages, size_t count) override {
    wl_shm_buffer_begin_access(buffer_->get());
    peek_pages(base_, pages, count);
    wl_shm_buffer_end_access(buffer_->get());
  }
  void restore() override {
    give_up();
    begin_anew();
  }
  // The client has been sent an error.
  bool noticed() const override { return !connection_->exchange(); }

 private:
  void begin_anew() {
    connection_ = take();
    buffer_ = std::make_unique<bench::wayland_buffer>(fd_, size_, connection_);
    base_ = buffer_->data();
  }
  void give_up() {
    buffer_.reset();
    if (connection_->exchange()) g_idle.push_back(std::move(connection_));
    connection_.reset();
  }

  int fd_;
  size_t size_;
  connection connection_;
  std::unique_ptr<bench::wayland_buffer> buffer_;
  unsigned char* base_ = nullptr;
};

const struct sigaction* their_action() {
  // Who is thrown out is not news.
  wl_log_set_handler_server([](const char*, va_list) {});
  wl_log_set_handler_client([](const char*, va_list) {});
  return &bench::wayland_handler::action();
}

// All of one client. Each is a mapping of its own, of a file that is the same.
struct crowd {
  connection client = std::make_shared<bench::wayland_connection>();
  bench::file file{size_t{1} << 16};
  std::vector<std::unique_ptr<bench::wayland_buffer>> buffers;
};
std::unique_ptr<crowd> g_crowd;

void enroll_buffer(unsigned char*, size_t) {
  if (g_crowd == nullptr) g_crowd = std::make_unique<crowd>();
  g_crowd->buffers.push_back(
      std::make_unique<bench::wayland_buffer>(g_crowd->file.fd(), g_crowd->file.size(), g_crowd->client));
}
// The server frees them all at once, not each on request.
void dismiss_buffers() { g_crowd.reset(); }

}  // namespace

const technique libwayland{
    "libwayland",
    "nosigbus region",
    "libwayland-server itself: a `wl_shm` buffer of a client in the same process, read between "
    "`wl_shm_buffer_begin_access` and `_end_access`",
    "the thread that has begun",
    make<in_brackets>,
    their_action,
    enroll_buffer,
    dismiss_buffers};

}  // namespace peers
