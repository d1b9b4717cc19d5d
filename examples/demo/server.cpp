// SPDX-License-Identifier: MIT
//
// The server: takes its clients' buffers and composites them, frame by frame. Built three times, with
// three read paths.
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "compositor.h"
#include "options.h"
#include "session.h"

namespace demo {
namespace {

// How long the first frame waits for the clients to start.
constexpr int start_deadline_ms = 5000;
// How long any later frame waits for anybody.
constexpr int frame_deadline_ms = 250;
// A client that is silent for so long has hung.
constexpr int hang_limit_ms = 1000;
constexpr std::size_t max_sessions = 2 * role_count;

std::uint32_t elapsed_ns(const timespec& from, const timespec& to) {
  const std::int64_t ns = (to.tv_sec - from.tv_sec) * std::int64_t{1'000'000'000} + to.tv_nsec - from.tv_nsec;
  return static_cast<std::uint32_t>(std::min<std::int64_t>(ns, UINT32_MAX));
}

class server {
 public:
  server(const server_options& options, unique_fd listener, server_report& report)
      : options_(options), listener_(std::move(listener)), report_(report), compositor_(report) {}

  // Empty, or what went wrong.
  std::string run();

 private:
  void wait_for_clients();
  bool wait_for_messages(bool accept_more, std::int64_t deadline);
  void accept_client();
  std::uint32_t taken_roles() const;
  void collect();
  void drop_hung();
  void compose();
  void verify();
  void settle();
  std::string save(std::uint32_t frame) const;

  const server_options& options_;
  unique_fd listener_;
  server_report& report_;
  compositor compositor_;
  std::vector<std::unique_ptr<session>> sessions_;
};

std::uint32_t server::taken_roles() const {
  std::uint32_t taken = 0;
  for (const auto& client : sessions_) {
    if (client->introduced()) taken |= 1U << client->role_index();
  }
  return taken;
}

void server::accept_client() {
  unique_fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket) return;
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  // An abstract socket has no file permissions that would keep other users out.
  if (!known || peer.uid != ::getuid() || sessions_.size() >= max_sessions) return;
  sessions_.push_back(std::make_unique<session>(std::move(socket), report_));
}

// Waits for messages until the deadline and takes them. False when there is nobody to wait for.
bool server::wait_for_messages(bool accept_more, std::int64_t deadline) {
  std::vector<pollfd> waits;
  std::vector<session*> owners;
  bool awaited = accept_more;
  for (const auto& client : sessions_) {
    if (!client->live() || client->pending()) continue;
    waits.push_back({client->socket(), POLLIN, 0});
    owners.push_back(client.get());
    awaited = awaited || !client->late();
  }
  if (accept_more) waits.push_back({listener_.get(), POLLIN, 0});
  const std::int64_t left = awaited ? std::max<std::int64_t>(deadline - now_ms(), 0) : 0;
  if (::poll(waits.data(), waits.size(), static_cast<int>(left)) > 0) {
    for (std::size_t index = 0; index < owners.size(); ++index) {
      if (waits[index].revents != 0) owners[index]->receive(taken_roles());
    }
    if (accept_more && waits.back().revents != 0) accept_client();
  }
  return awaited;
}

void server::wait_for_clients() {
  const std::int64_t deadline = now_ms() + start_deadline_ms;
  const std::uint32_t everybody = (1U << role_count) - 1;
  while (taken_roles() != everybody && now_ms() < deadline) wait_for_messages(true, deadline);
  for (const auto& client : sessions_) {
    if (!client->introduced()) client->drop(nullptr);
  }
  listener_ = unique_fd();
}

// Takes messages until every client that is waited for has damage, or the frame's time is over.
void server::collect() {
  const int patience_ms = report_.frames_served == 0 ? start_deadline_ms : frame_deadline_ms;
  const std::int64_t deadline = now_ms() + patience_ms;
  while (wait_for_messages(false, deadline) && now_ms() < deadline) {
  }
  for (const auto& client : sessions_) {
    if (client->live() && !client->pending()) client->set_late(true);
  }
  drop_hung();
}

void server::drop_hung() {
  for (const auto& client : sessions_) {
    if (!client->live() || !client->late() || now_ms() - client->silent_since() < hang_limit_ms) continue;
    client->drop("hung");
    compositor_.dim(client->role_index());
  }
}

void server::compose() {
  timespec begin;
  timespec end;
  std::vector<session*> ready(role_count, nullptr);
  for (const auto& client : sessions_) {
    if (client->pending()) ready[client->role_index()] = client.get();
  }
  ::clock_gettime(CLOCK_MONOTONIC, &begin);
  for (session* client : ready) {
    if (client != nullptr) client->draw(compositor_.tile(client->role_index()));
  }
  ::clock_gettime(CLOCK_MONOTONIC, &end);
  report_.frame_ns[report_.frames_served] = elapsed_ns(begin, end);
  report_.faults_absorbed = read_path::faults_absorbed();
  const bool last = ++report_.frames_served == options_.frames;
  for (session* client : ready) {
    if (client != nullptr) client->release(last);
  }
}

void server::verify() {
  for (const auto& client : sessions_) {
    if (!client->live() || !client->drawn_once()) continue;
    client_report& entry = report_.clients[client->role_index()];
    ++entry.checked;
    if (compositor_.exact(client->role_index(), client->shown_frame())) ++entry.exact;
  }
}

// After the last frame: gives late clients the rest of their time to speak.
void server::settle() {
  for (const auto& client : sessions_) {
    while (client->late()) {
      pollfd wait{client->socket(), POLLIN, 0};
      const std::int64_t left = client->silent_since() + hang_limit_ms - now_ms();
      if (left > 0 && ::poll(&wait, 1, static_cast<int>(left)) > 0) client->receive(taken_roles());
      drop_hung();
    }
  }
}

std::string server::save(std::uint32_t frame) const {
  char name[64];
  std::snprintf(name, sizeof name, "/%s-frame-%04u.png", read_path::name, frame);
  compositor_.label(std::string("server: ") + read_path::name + "   frame " + std::to_string(frame + 1) +
                    "/" + std::to_string(options_.frames) +
                    "   faults absorbed: " + std::to_string(report_.faults_absorbed));
  return write_png(options_.output + name, screen_of(report_));
}

std::string server::run() {
  wait_for_clients();
  for (std::uint32_t frame = 0; frame < options_.frames; ++frame) {
    collect();
    compose();
    verify();
    const bool last = frame + 1 == options_.frames;
    if (last) settle();
    if (frame == 0 || frame == options_.frames / 2 || last) {
      if (std::string error = save(frame); !error.empty()) return error;
    }
  }
  return {};
}

}  // namespace
}  // namespace demo

int main(int argc, char** argv) {
  using namespace demo;
  server_options options;
  if (const int status = parse_server_options(argc, argv, options); status >= 0) return status;
  void* shared = ::mmap(nullptr, sizeof(server_report), PROT_READ | PROT_WRITE, MAP_SHARED,
                        static_cast<int>(options.report_fd), 0);
  if (shared == MAP_FAILED) return complain("cannot map the report: ", error_text(errno));
  if (const int error = read_path::prepare(); error != 0) {
    return complain("cannot install the handler: ", error_text(-error));
  }
  unique_fd listener = listen_at(options.socket);
  if (!listener) return complain("cannot listen at " + options.socket + ": ", error_text(errno));
  server running(options, std::move(listener), *static_cast<server_report*>(shared));
  const std::string error = running.run();
  return error.empty() ? 0 : complain(error, "");
}
