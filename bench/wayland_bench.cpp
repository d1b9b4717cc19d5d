// SPDX-License-Identifier: MIT
//
// Views of wl_shm buffers against libwayland's brackets, and against the mapping that a view is.
#include <nosigbus/runtime.h>
#include <nosigbus/wayland.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "pairs.h"
#include "wayland_shm.h"

namespace {

constexpr size_t frame = size_t{8} << 20;  // 1080p, about

const bench::stage g_views{[] {}, [] {}};

void require(bool condition) {
  if (!condition) abort();
}

// A buffer of a client, and its memory.
class client_buffer {
 public:
  client_buffer() : fd_(memfd()), buffer_(fd_, frame) {}
  ~client_buffer() { close(fd_); }
  client_buffer(const client_buffer&) = delete;
  client_buffer& operator=(const client_buffer&) = delete;

  int fd() const { return fd_; }
  const bench::wayland_buffer& get() const { return buffer_; }

 private:
  static int memfd() {
    const int fd = memfd_create("nosigbus-bench", MFD_CLOEXEC);
    require(fd >= 0 && ftruncate(fd, frame) == 0);
    return fd;
  }
  int fd_;
  bench::wayland_buffer buffer_;
};

nosigbus_wl_view* view_of(const client_buffer& buffer) {
  nosigbus_wl_view* view = nullptr;
  require(nosigbus_wl_view_get(&view, buffer.get().resource(), 0) == 0);
  return view;
}

// What a server does at a commit that brings a buffer it knows.
void add_get() {
  const auto ours = [](benchmark::State& state) {
    const client_buffer buffer;
    for (auto _ : state) {
      nosigbus_wl_view* const view = view_of(buffer);
      benchmark::DoNotOptimize(nosigbus_wl_view_data(view));
      nosigbus_wl_view_unref(view);
    }
  };
  const auto theirs = [](benchmark::State& state) {
    const bench::wayland_handler handler;
    const client_buffer buffer;
    for (auto _ : state) {
      wl_shm_buffer_begin_access(buffer.get().get());
      benchmark::DoNotOptimize(buffer.get().data());
      wl_shm_buffer_end_access(buffer.get().get());
    }
  };
  bench::add({"view of a buffer, got and released", ours, "wl_shm begin + end_access", theirs, 0, "",
              bench::clock::around, &g_views});
}

// What it does in addition at the first commit of a buffer.
void add_make() {
  const auto ours = [](benchmark::State& state) {
    for (auto _ : state) {
      const client_buffer buffer;
      bench::timed(state, [&] { nosigbus_wl_view_unref(view_of(buffer)); });
    }
  };
  const auto theirs = [](benchmark::State& state) {
    for (auto _ : state) {
      const client_buffer buffer;
      void* mapped = nullptr;
      bench::timed(state, [&] { mapped = mmap(nullptr, frame, PROT_READ, MAP_SHARED, buffer.fd(), 0); });
      require(mapped != MAP_FAILED && munmap(mapped, frame) == 0);
    }
  };
  bench::add({"view of a buffer, made", ours, "mmap", theirs, 0, "", bench::clock::inside, &g_views});
}

[[maybe_unused]] const bool g_added = [] {
  add_get();
  add_make();
  return true;
}();

}  // namespace
