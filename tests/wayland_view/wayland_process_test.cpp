// SPDX-License-Identifier: MIT
//
// Clients in processes of their own, that attack at any moment and are killed at any moment, against a server
// whose threads read all the time.
#include <doctest/doctest.h>
#include <nosigbus/runtime.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <wayland-client.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>

#include "canvas.h"
#include "shm_server.h"

using namespace test;

namespace {

constexpr size_t buffers = 4, file_size = lead + buffers * buffer_size;

// What a client does when it has drawn.
enum class nature { honest, truncates, oscillates, destroys };

// --- The client's side, in a process of its own.

// Until the server has had enough; exits with the protocol error's code.
[[noreturn]] void attack_until_disconnected(wl_display* connection, wl_shm* shm, nature what) {
  const int fd = drawn_file(file_size);
  wl_shm_pool* const pool = wl_shm_create_pool(shm, fd, static_cast<int32_t>(file_size));
  wl_buffer* drawn[buffers];
  for (size_t i = 0; i < buffers; ++i) {
    drawn[i] = shm_client::create_buffer(pool, lead + i * buffer_size, width, height, stride);
  }
  wl_display_roundtrip(connection);
  for (unsigned turn = 0; wl_display_get_error(connection) == 0; ++turn) {
    if (what == nature::truncates && ftruncate(fd, static_cast<off_t>(file_size / 2)) != 0) _exit(98);
    if (what == nature::oscillates && ftruncate(fd, static_cast<off_t>(turn % 2 == 0 ? 0 : file_size)) != 0)
      _exit(98);
    if (what == nature::destroys && turn == 0) {
      if (ftruncate(fd, 0) != 0) _exit(98);
      for (wl_buffer* const each : drawn) wl_buffer_destroy(each);
    }
    if (what == nature::oscillates) {
      wl_display_flush(connection);
      pollfd said{wl_display_get_fd(connection), POLLIN, 0};
      if (poll(&said, 1, 0) == 0) continue;
    }
    if (wl_display_dispatch(connection) < 0) break;
  }
  _exit(static_cast<int>(wl_display_get_protocol_error(connection, nullptr, nullptr)));
}

pid_t start_client(wl_display* server, nature what) {
  int ends[2];
  CHILD_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const pid_t client = fork();
  CHILD_CHECK(client >= 0);
  if (client != 0) {
    close(ends[1]);
    CHILD_CHECK(wl_client_create(server, ends[0]) != nullptr);
    return client;
  }
  close(ends[0]);
  wl_log_set_handler_client([](const char*, va_list) {});
  wl_display* const connection = wl_display_connect_to_fd(ends[1]);
  wl_shm* shm = nullptr;
  ask_for_shm(connection, shm);
  wl_display_roundtrip(connection);
  attack_until_disconnected(connection, shm, what);
}

// --- The server's side.

// Takes a view of each wl_buffer as it is created, and has threads read those that there are.
class reading_server : public shm_server {
 public:
  reading_server() {
    created_.server = this;
    created_.listener.notify = on_client;
    wl_display_add_client_created_listener(display(), &created_.listener);
    for (std::thread& thread : threads_) thread = std::thread([this] { read_all_the_time(); });
  }
  ~reading_server() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    for (nosigbus_wl_view* const view : views_) nosigbus_wl_view_unref(view);
  }

  uint64_t reads() const { return reads_; }
  size_t views() {
    const std::lock_guard lock(mutex_);
    return views_.size();
  }

 private:
  struct listening {
    wl_listener listener;
    reading_server* server;
  };

  static void on_client(wl_listener* listener, void* client) {
    listening* const resources = new listening(*reinterpret_cast<listening*>(listener));
    resources->listener.notify = on_resource;
    wl_client_add_resource_created_listener(static_cast<wl_client*>(client), &resources->listener);
  }
  // Before libwayland has said that it is a buffer of wl_shm: looked at when the loop is idle.
  static void on_resource(wl_listener* listener, void* data) {
    wl_resource* const resource = static_cast<wl_resource*>(data);
    if (strcmp(wl_resource_get_class(resource), "wl_buffer") != 0) return;
    reading_server& server = *reinterpret_cast<listening*>(listener)->server;
    pending* const later = new pending{{}, &server, resource, nullptr};
    later->gone.notify = [](wl_listener* gone, void*) {
      pending* const dropped = reinterpret_cast<pending*>(gone);
      wl_event_source_remove(dropped->idle);
      delete dropped;
    };
    wl_resource_add_destroy_listener(resource, &later->gone);
    later->idle = wl_event_loop_add_idle(wl_display_get_event_loop(server.display()), take_view, later);
  }
  struct pending {
    wl_listener gone;
    reading_server* server;
    wl_resource* resource;
    wl_event_source* idle;
  };
  static void take_view(void* data) {
    pending* const due = static_cast<pending*>(data);
    nosigbus_wl_view* view = nullptr;
    CHILD_CHECK(nosigbus_wl_view_get(&view, due->resource, 0) == 0);
    {
      const std::lock_guard lock(due->server->mutex_);
      due->server->views_.push_back(view);
    }
    wl_list_remove(&due->gone.link);
    delete due;
  }

  void read_all_the_time() {
    for (uint64_t turn = 0; !stop_; ++turn) {
      nosigbus_wl_view* view = nullptr;
      {
        const std::lock_guard lock(mutex_);
        if (!views_.empty()) view = nosigbus_wl_view_ref(views_[turn % views_.size()]);
      }
      if (view == nullptr) continue;
      const volatile unsigned char* const data = static_cast<unsigned char*>(nosigbus_wl_view_data(view));
      unsigned sum = 0;
      for (size_t i = 0; i < nosigbus_wl_view_size(view); i += 64) sum += data[i];
      reads_ += sum != 1;
      nosigbus_wl_view_unref(view);
    }
  }

  listening created_{};
  std::mutex mutex_;
  std::vector<nosigbus_wl_view*> views_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> reads_{0};
  std::thread threads_[2];
};

bool has_ended(pid_t client, int& status) { return waitpid(client, &status, WNOHANG) == client; }

template <class Body>
void in_reading_server(Body body) {
  const outcome result = in_child(
      [&body] {
        CHILD_CHECK(nosigbus_install(0) == 0);
        reading_server server;
        CHILD_CHECK(nosigbus_wl_watch(server.display(), nullptr, 0, nullptr) == 0);
        body(server);
        return 0;
      },
      60);
  CHECK(result == exited(0));
}

}  // namespace

TEST_CASE("those who attack are disconnected and the others go on") {
  for (const nature what : {nature::truncates, nature::oscillates, nature::destroys}) {
    CAPTURE(static_cast<int>(what));
    in_reading_server([what](reading_server& server) {
      const pid_t honest = start_client(server.display(), nature::honest);
      CHILD_CHECK(server.run_until([&] { return server.views() == buffers; }));
      for (int i = 0; i < 5; ++i) {
        const pid_t hostile = start_client(server.display(), what);
        int status = 0;
        CHILD_CHECK(server.run_until([&] { return has_ended(hostile, status); }));
        CHILD_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == WL_SHM_ERROR_INVALID_FD);
      }
      int status = 0;
      CHILD_CHECK(!has_ended(honest, status));
      kill(honest, SIGKILL);
      waitpid(honest, &status, 0);
    });
  }
}

TEST_CASE("a client that is killed leaves its pixels to who reads them") {
  in_reading_server([](reading_server& server) {
    for (int i = 1; i <= 10; ++i) {
      const pid_t client = start_client(server.display(), nature::honest);
      CHILD_CHECK(server.run_until([&] { return server.views() == i * buffers; }));
      int status = 0;
      kill(client, SIGKILL);
      CHILD_CHECK(waitpid(client, &status, 0) == client && WTERMSIG(status) == SIGKILL);
      const uint64_t before = server.reads();
      CHILD_CHECK(server.run_until([&] { return server.reads() > before + 100; }));
    }
  });
}
