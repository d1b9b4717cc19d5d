// SPDX-License-Identifier: MIT
//
// Bad input, memory that cannot be guarded, and what is not guarded at all.
#include <doctest/doctest.h>
#include <nosigbus/runtime.h>
#include <signal.h>
#include <sys/resource.h>

#include "canvas.h"
#include "shm_server.h"
#include "support/file_kind.h"

using namespace test;

namespace {

nosigbus_wl_view* const untouched = reinterpret_cast<nosigbus_wl_view*>(0x5a5a);

struct lonely_buffer {
  explicit lonely_buffer(int file) : client(server), fd(file) {
    buffer =
        shm_client::create_buffer(client.create_pool(fd, lead + buffer_size), lead, width, height, stride);
    server.exchange();
  }
  wl_resource* resource() const { return client.resource(buffer); }

  shm_server server;
  shm_client client;
  int fd;
  wl_buffer* buffer;
};

template <class Body>
outcome in_server(Body body) {
  return in_child([&body] {
    body();
    return 0;
  });
}

unsigned char read_at(const void* data, size_t offset) {
  return static_cast<const volatile unsigned char*>(data)[offset];
}

}  // namespace

TEST_CASE("a view tells what the buffer is") {
  CHECK(in_server([] {
          const lonely_buffer one(drawn_file(lead + buffer_size));
          nosigbus_wl_view* const view = view_of(one.client, one.buffer);
          CHILD_CHECK(nosigbus_wl_view_width(view) == width && nosigbus_wl_view_height(view) == height);
          CHILD_CHECK(nosigbus_wl_view_stride(view) == stride && nosigbus_wl_view_size(view) == buffer_size);
          CHILD_CHECK(nosigbus_wl_view_format(view) == WL_SHM_FORMAT_XRGB8888);
          CHILD_CHECK(nosigbus_wl_view_client(view) == one.client.at_server());
          CHILD_CHECK(shows(view, lead, {}));
          // The same one while the buffer lives, and another one for writing.
          CHILD_CHECK(view_of(one.client, one.buffer) == view);
          nosigbus_wl_view* const written = view_of(one.client, one.buffer, NOSIGBUS_WL_WRITE);
          CHILD_CHECK(written != view && view_of(one.client, one.buffer, NOSIGBUS_WL_WRITE) == written);
          CHILD_CHECK(nosigbus_wl_view_ref(view) == view);
        }) == exited(0));
}

TEST_CASE("what is no buffer of wl_shm is refused") {
  CHECK(in_server([] {
          const lonely_buffer one(drawn_file(lead + buffer_size));
          nosigbus_wl_view* view = untouched;
          wl_resource* const shm = wl_client_get_object(
              one.client.at_server(), wl_proxy_get_id(reinterpret_cast<wl_proxy*>(one.client.shm())));
          CHILD_CHECK(nosigbus_wl_view_get(&view, nullptr, 0) == -EINVAL);
          CHILD_CHECK(nosigbus_wl_view_get(&view, shm, 0) == -EINVAL);
          CHILD_CHECK(nosigbus_wl_view_get(&view, one.resource(), 2) == -EINVAL);
          CHILD_CHECK(nosigbus_wl_view_get(nullptr, one.resource(), 0) == -EINVAL);
          CHILD_CHECK(view == untouched);
          nosigbus_wl_view_unref(nullptr);
        }) == exited(0));
}

TEST_CASE("a watch is refused where it cannot be had") {
  CHECK(in_server([] {
          const lonely_buffer one(drawn_file(lead + buffer_size));
          wl_display* const display = one.server.display();
          struct {
            nosigbus_wl_watcher known;
            void* unknown;
          } longer{};
          CHILD_CHECK(nosigbus_wl_watch(nullptr, nullptr, 0, nullptr) == -EINVAL);
          CHILD_CHECK(nosigbus_wl_unwatch(nullptr) == -ENOENT);
          longer.unknown = &longer;
          CHILD_CHECK(nosigbus_wl_watch(display, &longer.known, sizeof longer, nullptr) == -E2BIG);
          longer.unknown = nullptr;
          CHILD_CHECK(nosigbus_wl_watch(display, &longer.known, sizeof longer, nullptr) == 0);
          CHILD_CHECK(nosigbus_wl_watch(display, nullptr, 0, nullptr) == -EEXIST);
          CHILD_CHECK(nosigbus_wl_unwatch(display) == 0);
          // One of an older program.
          CHILD_CHECK(nosigbus_wl_watch(display, &longer.known, sizeof(void*), nullptr) == 0);
        }) == exited(0));
}

TEST_CASE("without a descriptor to spare there is no watch and views are as ever") {
  CHECK(in_server([] {
          CHILD_CHECK(nosigbus_install(0) == 0);
          const lonely_buffer one(drawn_file(lead + buffer_size));
          rlimit limit{};
          limit.rlim_cur = limit.rlim_max = 3;
          CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
          CHILD_CHECK(nosigbus_wl_watch(one.server.display(), nullptr, 0, nullptr) == -EMFILE);
          nosigbus_wl_view* const view = view_of(one.client, one.buffer);
          CHILD_CHECK(ftruncate(one.fd, 0) == 0);
          CHILD_CHECK(shows(view, lead, {0}));
        }) == exited(0));
}

TEST_CASE("huge pages are refused and nothing is left behind") {
  const huge_pages pool(4);
  if (!pool.granted()) return;
  CHECK(in_server([] {
          const int fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);
          CHILD_CHECK(fd >= 0 && ftruncate(fd, off_t{4} << 20) == 0);
          const lonely_buffer one(fd);
          CHILD_CHECK(wl_shm_buffer_get(one.resource()) != nullptr);
          nosigbus_wl_view* view = untouched;
          const size_t vmas = count_vmas();
          CHILD_CHECK(nosigbus_wl_view_get(&view, one.resource(), 0) == -ENOTSUP);
          CHILD_CHECK(nosigbus_wl_view_get(&view, one.resource(), NOSIGBUS_WL_WRITE) == -ENOTSUP);
          CHILD_CHECK(view == untouched && count_vmas() == vmas);
        }) == exited(0));
}

TEST_CASE("a pool that libwayland has replaced by zeros is refused") {
  CHECK(in_server([] {
          const lonely_buffer one(drawn_file(lead + buffer_size));
          wl_shm_buffer* const buffer = wl_shm_buffer_get(one.resource());
          CHILD_CHECK(ftruncate(one.fd, 0) == 0);
          wl_shm_buffer_begin_access(buffer);
          CHILD_CHECK(read_at(wl_shm_buffer_get_data(buffer), 0) == 0);
          nosigbus_wl_view* view = untouched;
          CHILD_CHECK(nosigbus_wl_view_get(&view, one.resource(), 0) == -ENOTSUP && view == untouched);
          wl_shm_buffer_end_access(buffer);
        }) == exited(0));
}

TEST_CASE("a view for reading cannot be written") {
  CHECK(in_server([] {
          CHILD_CHECK(nosigbus_install(0) == 0);
          const lonely_buffer one(drawn_file(lead + buffer_size));
          *static_cast<volatile unsigned char*>(nosigbus_wl_view_data(view_of(one.client, one.buffer))) = 1;
        }) == killed_by(SIGSEGV));
}

TEST_CASE("a fault outside of every view kills") {
  for (const bool libwayland : {false, true}) {
    CHECK(in_server([libwayland] {
            CHILD_CHECK(nosigbus_install(0) == 0);
            const lonely_buffer one(drawn_file(lead + buffer_size));
            CHILD_CHECK(nosigbus_wl_watch(one.server.display(), nullptr, 0, nullptr) == 0);
            nosigbus_wl_view* const view = view_of(one.client, one.buffer);
            void* const theirs = wl_shm_buffer_get_data(wl_shm_buffer_get(one.resource()));
            const shared_file other(page_size());
            const void* const plain = other.map(2 * page_size());
            CHILD_CHECK(ftruncate(one.fd, 0) == 0);
            CHILD_CHECK(shows(view, lead, {0}));
            libwayland ? read_at(theirs, 0) : read_at(plain, page_size());
          }) == killed_by(SIGBUS));
  }
}

TEST_CASE("a fault in a view kills where nobody has installed the handler") {
  CHECK(in_server([] {
          const lonely_buffer one(drawn_file(lead + buffer_size));
          CHILD_CHECK(nosigbus_wl_watch(one.server.display(), nullptr, 0, nullptr) == 0);
          nosigbus_wl_view* const view = view_of(one.client, one.buffer);
          CHILD_CHECK(ftruncate(one.fd, 0) == 0);
          read_at(nosigbus_wl_view_data(view), 0);
        }) == killed_by(SIGBUS));
}

TEST_CASE("a fault after the last reference kills") {
  CHECK(in_server([] {
          CHILD_CHECK(nosigbus_install(0) == 0);
          const lonely_buffer one(drawn_file(lead + buffer_size));
          nosigbus_wl_view* const view = view_of(one.client, one.buffer);
          const void* const data = nosigbus_wl_view_data(view);
          wl_resource_destroy(one.resource());
          CHILD_CHECK(read_at(data, 0) == pattern(lead));
          nosigbus_wl_view_unref(view);
          read_at(data, 0);
        }) == killed_by(SIGSEGV));
}
