// SPDX-License-Identifier: MIT
//
// Buffer, pool, client, display, watch and references go in every order, and on threads: nothing is freed
// twice, nothing is left behind.
#include <doctest/doctest.h>
#include <malloc.h>
#include <nosigbus/runtime.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include "painter.h"

using namespace test;

namespace {

enum class end { buffer, pool, client, display, watch, reference };

struct ending {
  shm_server server;
  painter one{server, 2};
  nosigbus_wl_view* written = view_of(one.client, one.canvases[1].buffer, NOSIGBUS_WL_WRITE);

  void end_references() const {
    one.release_views();
    nosigbus_wl_view_unref(written);
  }

  // Those that went with something else are gone already.
  void end_of(end what, bool elsewhere) {
    const bool connected = one.client.at_server() != nullptr;
    switch (what) {
      case end::buffer:
        if (connected) wl_resource_destroy(one.client.resource(one.canvases[0].buffer));
        return;
      case end::pool:
        if (connected) wl_client_destroy_pool();
        return;
      case end::client:
        if (connected) wl_client_destroy(one.client.at_server());
        return;
      case end::display:
        return server.end();
      case end::watch:
        if (server.display() != nullptr) nosigbus_wl_unwatch(server.display());
        return;
      case end::reference:
        if (!elsewhere) return end_references();
        return std::thread([this] { end_references(); }).join();
    }
  }

 private:
  void wl_client_destroy_pool() {
    wl_shm_pool_destroy(one.pool);
    server.exchange();
  }
};

void begin() { CHILD_CHECK(nosigbus_install(0) == 0); }

// Attaches, attacks and destroys, as a client of an attack does that has nothing else to do.
void cycle(shm_server& server, const painter& one, bool in_time) {
  one.cut_off(0);
  CHILD_CHECK(one.all_show({0}));
  if (in_time) server.exchange();
  one.release_views();
  for (const canvas& each : one.canvases) wl_buffer_destroy(each.buffer);
  wl_shm_pool_destroy(one.pool);
  close(one.fd);
  server.exchange();
}

struct footprint {
  size_t vmas, descriptors, bytes;
  static footprint now() { return {count_vmas(), count_descriptors(), mallinfo2().uordblks}; }
};

int cycles() {
  const char* const text = getenv("NOSIGBUS_TEST_CYCLES");
  return text == nullptr ? 1000 : atoi(text);
}

}  // namespace

TEST_CASE("everything ends in every order") {
  std::array order{end::buffer, end::pool, end::client, end::display, end::watch, end::reference};
  for (const bool faults : {false, true}) {
    for (const bool elsewhere : {false, true}) {
      CAPTURE(faults);
      CAPTURE(elsewhere);
      const outcome result = in_child(
          [&] {
            begin();
            do {
              {
                ending scene;
                CHILD_CHECK(nosigbus_wl_watch(scene.server.display(), nullptr, 0, nullptr) == 0);
                if (faults) {
                  scene.one.cut_off(0);
                  CHILD_CHECK(scene.one.all_show({0}));
                }
                for (const end what : order) scene.end_of(what, elsewhere);
                close(scene.one.fd);
              }
              CHILD_CHECK(live_regions() == 0);
            } while (std::next_permutation(order.begin(), order.end()));
            return 0;
          },
          60);
      CHECK(result == exited(0));
    }
  }
}

TEST_CASE("a view that is first asked for while its client is being destroyed has none") {
  CHECK(in_child([] {
          begin();
          shm_server server;
          const shm_client before(server);
          CHILD_CHECK(nosigbus_wl_watch(server.display(), nullptr, 0, nullptr) == 0);
          shm_client client(server);
          const int fd = drawn_file(lead + buffer_size);
          wl_buffer* const buffer = shm_client::create_buffer(client.create_pool(fd, lead + buffer_size),
                                                              lead, width, height, stride);
          server.exchange();
          struct {
            wl_listener gone;
            wl_resource* buffer;
            nosigbus_wl_view* view;
          } late{};
          late.buffer = client.resource(buffer);
          late.gone.notify = [](wl_listener* listener, void*) {
            auto& self = *reinterpret_cast<decltype(late)*>(listener);
            CHILD_CHECK(nosigbus_wl_view_get(&self.view, self.buffer, 0) == 0);
          };
          const uint32_t shm = wl_proxy_get_id(reinterpret_cast<wl_proxy*>(client.shm()));
          wl_resource_add_destroy_listener(wl_client_get_object(client.at_server(), shm), &late.gone);
          client.vanish();
          CHILD_CHECK(late.view != nullptr && nosigbus_wl_view_client(late.view) == nullptr);
          CHILD_CHECK(shows(late.view, lead, {}) && ftruncate(fd, 0) == 0 && shows(late.view, lead, {0}));
          server.exchange();
          nosigbus_wl_view_unref(late.view);
          CHILD_CHECK(live_regions() == 0 && !before.error());
          return 0;
        }) == exited(0));
}

TEST_CASE("references that end on threads while their buffers and clients end") {
  CHECK(in_child(
            [] {
              begin();
              shm_server server;
              CHILD_CHECK(nosigbus_wl_watch(server.display(), nullptr, 0, nullptr) == 0);
              for (int round = 0; round < 200; ++round) {
                painter one(server, 8);
                if (round % 2 != 0) one.cut_off(one.size / 2);
                const remains left{round % 2 != 0 ? one.size / 2 : SIZE_MAX};
                std::atomic<int> reading{0};
                std::vector<std::thread> threads;
                for (int i = 0; i < 3; ++i) {
                  for (const canvas& each : one.canvases) nosigbus_wl_view_ref(each.view);
                  threads.emplace_back([&] {
                    ++reading;
                    CHILD_CHECK(one.all_show(left));
                    one.release_views();
                  });
                }
                while (reading == 0) sched_yield();
                one.release_views();
                if (round % 3 == 0) {
                  one.client.vanish();
                } else {
                  for (const canvas& each : one.canvases) wl_buffer_destroy(each.buffer);
                  server.exchange();
                }
                for (std::thread& thread : threads) thread.join();
                server.exchange();
                close(one.fd);
              }
              server.exchange();
              CHILD_CHECK(live_regions() == 0);
              return 0;
            },
            120) == exited(0));
}

TEST_CASE("attacks without end leave nothing behind") {
  for (const bool merciful : {false, true}) {
    for (const bool in_time : {false, true}) {
      CAPTURE(merciful);
      CAPTURE(in_time);
      const outcome result = in_child(
          [&] {
            begin();
            shm_server server;
            nosigbus_wl_watcher watcher{};
            if (merciful) watcher.damaged = [](const nosigbus_wl_damage*, void*) { return false; };
            CHILD_CHECK(nosigbus_wl_watch(server.display(), &watcher, sizeof watcher, nullptr) == 0);
            footprint before{};
            const int all = cycles();
            for (int i = 0; i < all; ++i) {
              cycle(server, painter(server, 2), in_time);
              server.exchange();
              if (i == all / 2) before = footprint::now();
            }
            const footprint after = footprint::now();
            CHILD_CHECK(live_regions() == 0);
            CHILD_CHECK(after.vmas <= before.vmas + 2 && after.descriptors == before.descriptors);
            CHILD_CHECK(after.bytes <= before.bytes + 4096);
            return 0;
          },
          static_cast<int>(60 + cycles() / 100));
      CHECK(result == exited(0));
    }
  }
}

TEST_CASE("one client that goes on attacking and is let live leaves nothing behind") {
  CHECK(in_child(
            [] {
              begin();
              shm_server server;
              nosigbus_wl_watcher watcher{};
              watcher.damaged = [](const nosigbus_wl_damage*, void*) { return false; };
              CHILD_CHECK(nosigbus_wl_watch(server.display(), &watcher, sizeof watcher, nullptr) == 0);
              const shm_client client(server);
              footprint before{};
              const int all = cycles();
              for (int i = 0; i < all; ++i) {
                const int fd = drawn_file(lead + buffer_size);
                wl_shm_pool* const pool = client.create_pool(fd, lead + buffer_size);
                wl_buffer* const buffer = shm_client::create_buffer(pool, lead, width, height, stride);
                server.exchange();
                nosigbus_wl_view* const view = view_of(client, buffer);
                CHILD_CHECK(ftruncate(fd, i % 2 == 0 ? 0 : 4096) == 0);
                CHILD_CHECK(shows(view, lead, {i % 2 == 0 ? size_t{0} : size_t{4096}}));
                nosigbus_wl_view_unref(view);
                if (i % 3 == 0) server.exchange();
                wl_shm_pool_resize(pool, static_cast<int32_t>(lead + buffer_size));
                wl_buffer_destroy(buffer);
                wl_shm_pool_destroy(pool);
                close(fd);
                server.exchange();
                if (i == all / 2) before = footprint::now();
              }
              const footprint after = footprint::now();
              CHILD_CHECK(live_regions() == 0 && !client.error());
              CHILD_CHECK(after.vmas <= before.vmas + 2 && after.descriptors == before.descriptors);
              CHILD_CHECK(after.bytes <= before.bytes + 4096);
              return 0;
            },
            60 + cycles() / 100) == exited(0));
}

TEST_CASE("of a client's buffers those that were asked for last keep their views by themselves") {
  CHECK(in_child(
            [] {
              begin();
              constexpr size_t most = 1024, count = 2 * most + 1;
              shm_server server;
              CHILD_CHECK(nosigbus_wl_watch(server.display(), nullptr, 0, nullptr) == 0);
              const painter one(server, count);
              CHILD_CHECK(live_regions() == count);
              one.release_views();
              CHILD_CHECK(live_regions() == most);
              const auto ask = [&](size_t i) { return view_of(one.client, one.canvases[i].buffer); };

              nosigbus_wl_view* const kept = ask(count - most);
              CHILD_CHECK(kept == one.canvases[count - most].view);
              nosigbus_wl_view* const held = ask(0);
              CHILD_CHECK(live_regions() == most);
              for (size_t i = 1; i <= most; ++i) nosigbus_wl_view_unref(ask(i));
              CHILD_CHECK(live_regions() == most + 2);

              // Given up by its wl_buffer, it is one all the same, and its client's.
              CHILD_CHECK(shows(held, one.canvases[0].offset, {}));
              one.cut_off(0);
              CHILD_CHECK(shows(held, one.canvases[0].offset, {0}));
              server.exchange();
              CHILD_CHECK(one.client.error());
              nosigbus_wl_view_unref(held);
              nosigbus_wl_view_unref(kept);
              CHILD_CHECK(live_regions() <= most);
              server.end();
              CHILD_CHECK(live_regions() == 0);
              return 0;
            },
            30) == exited(0));
}
