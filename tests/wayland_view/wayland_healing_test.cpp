// SPDX-License-Identifier: MIT
//
// Clients that are let live: once they have made their files whole and resized their pools, their memory is
// seen again.
#include <doctest/doctest.h>
#include <nosigbus/runtime.h>

#include "painter.h"

using namespace test;

namespace {

struct merciful_server : shm_server {
  merciful_server() {
    CHILD_CHECK(nosigbus_install(0) == 0);
    nosigbus_wl_watcher watcher{};
    watcher.damaged = [](const nosigbus_wl_damage*, void*) { return false; };
    CHILD_CHECK(nosigbus_wl_watch(display(), &watcher, sizeof watcher, nullptr) == 0);
  }
};

template <class Body>
void in_merciful_server(Body body) {
  const outcome result = in_child([&body] {
    merciful_server server;
    body(server);
    return 0;
  });
  CHECK(result == exited(0));
}

}  // namespace

TEST_CASE("a pool that is resized is seen again and not before") {
  for (const size_t count : {1, 2, 64}) {
    in_merciful_server([count](merciful_server& server) {
      const painter repentant(server, count), honest(server, 1);
      const size_t half = repentant.size / 2;
      for (const size_t end : {size_t{0}, half}) {
        repentant.cut_off(end);
        CHILD_CHECK(repentant.all_show({end}));
        server.exchange();
        repentant.redraw();
        server.exchange();
        CHILD_CHECK(!repentant.all_show({}));
        repentant.resize();
        server.exchange();
        CHILD_CHECK(repentant.all_show({}) && honest.all_show({}) && !repentant.client.error());
      }
    });
  }
}

TEST_CASE("requests behind the one that heals find the memory healed") {
  in_merciful_server([](merciful_server& server) {
    const painter repentant(server, 2);
    repentant.cut_off(0);
    CHILD_CHECK(repentant.all_show({0}));
    server.exchange();
    repentant.redraw();
    repentant.resize();
    wl_buffer_destroy(repentant.canvases[0].buffer);
    server.exchange();
    CHILD_CHECK(repentant.all_show({}));
  });
}

TEST_CASE("a file that is still too short shows what there is and heals at a later request") {
  in_merciful_server([](merciful_server& server) {
    const painter repentant(server, 4);
    repentant.cut_off(0);
    CHILD_CHECK(repentant.all_show({0}));
    server.exchange();
    const size_t end = repentant.size / 3;
    repentant.redraw();
    repentant.cut_off(end);
    repentant.resize();
    server.exchange();
    CHILD_CHECK(repentant.all_show({end}));
    repentant.redraw();
    repentant.resize();
    server.exchange();
    CHILD_CHECK(repentant.all_show({}));
  });
}

TEST_CASE("of many views the first ones heal at once and the one that is asked for and all of them soon") {
  in_merciful_server([](merciful_server& server) {
    const painter repentant(server, 500);
    repentant.cut_off(0);
    CHILD_CHECK(repentant.all_show({0}));
    server.exchange();
    repentant.redraw();
    repentant.resize();
    server.exchange();
    const auto overlaid = [](const canvas& one) {
      struct nosigbus_region_status status;
      CHILD_CHECK(nosigbus_region_status(nosigbus_wl_view_region(one.view), &status, sizeof status) == 0);
      return status.overlaid;
    };
    const canvas& last = repentant.canvases.back();
    view_of(repentant.client, last.buffer);
    CHILD_CHECK(shows(last, {}));
    CHILD_CHECK(server.run_until([&] {
      for (const canvas& one : repentant.canvases) {
        if (overlaid(one)) return false;
      }
      return true;
    }));
    CHILD_CHECK(repentant.all_show({}));
  });
}

TEST_CASE("a client that resizes all the time does not keep another one from healing") {
  in_merciful_server([](merciful_server& server) {
    const painter hostile(server, 500), repentant(server, 64);
    hostile.cut_off(0);
    repentant.cut_off(0);
    CHILD_CHECK(hostile.all_show({0}) && repentant.all_show({0}));
    server.exchange();
    for (int i = 0; i < 50; ++i) hostile.resize();
    repentant.redraw();
    repentant.resize();
    server.exchange();
    CHILD_CHECK(repentant.all_show({}) && hostile.all_show({0}));
  });
}

TEST_CASE("what is discarded on a view for writing is gone once it is healed") {
  in_merciful_server([](merciful_server& server) {
    const painter repentant(server, 1);
    const canvas& one = repentant.canvases[0];
    nosigbus_wl_view* const written = view_of(repentant.client, one.buffer, NOSIGBUS_WL_WRITE);
    volatile unsigned char* const data = static_cast<unsigned char*>(nosigbus_wl_view_data(written));
    repentant.cut_off(0);
    data[0] = 77;
    CHILD_CHECK(data[0] == 77);
    server.exchange();
    repentant.redraw();
    repentant.resize();
    server.exchange();
    CHILD_CHECK(shows(written, one.offset, {}));
    data[0] = 78;
    unsigned char byte = 0;
    CHILD_CHECK(pread(one.fd, &byte, 1, static_cast<off_t>(one.offset)) == 1 && byte == 78);
  });
}

namespace {

struct end_of_watch {
  wl_listener gone;
  wl_display* display;
  bool begin_again;
};

void end_watch(wl_listener* listener, void*) {
  const auto& self = *reinterpret_cast<end_of_watch*>(listener);
  CHILD_CHECK(nosigbus_wl_unwatch(self.display) == 0);
  if (self.begin_again) CHILD_CHECK(nosigbus_wl_watch(self.display, nullptr, 0, nullptr) == 0);
}

}  // namespace

TEST_CASE("a watch that ends while clients with damage are being destroyed") {
  for (const bool all : {false, true}) {
    for (const bool begin_again : {false, true}) {
      in_merciful_server([=](merciful_server& server) {
        const painter damaged(server, 100), other(server, 2);
        damaged.cut_off(0);
        other.cut_off(0);
        CHILD_CHECK(damaged.all_show({0}) && other.all_show({0}));
        server.exchange();
        end_of_watch end{{{}, end_watch}, server.display(), begin_again};
        wl_client_add_destroy_listener(damaged.client.at_server(), &end.gone);
        if (all) {
          wl_display_destroy_clients(server.display());
        } else {
          wl_client_destroy(damaged.client.at_server());
        }
        damaged.release_views();
        other.release_views();
      });
    }
  }
}

TEST_CASE("damage goes with its buffers or its client or its watch and comes back with a new one") {
  for (int what = 0; what < 3; ++what) {
    in_merciful_server([what](merciful_server& server) {
      painter damaged(server, 100), repentant(server, 2);
      damaged.cut_off(0);
      repentant.cut_off(0);
      CHILD_CHECK(damaged.all_show({0}) && repentant.all_show({0}));
      server.exchange();
      damaged.resize();  // more than are tried at once
      if (what == 0) {
        for (const canvas& one : damaged.canvases) wl_buffer_destroy(one.buffer);
      }
      if (what == 1) damaged.client.vanish();
      server.exchange();
      if (what == 2) {
        CHILD_CHECK(nosigbus_wl_unwatch(server.display()) == 0);
        nosigbus_wl_watcher watcher{};
        watcher.damaged = [](const nosigbus_wl_damage*, void*) { return false; };
        CHILD_CHECK(nosigbus_wl_watch(server.display(), &watcher, sizeof watcher, nullptr) == 0);
        repentant.redraw();
        repentant.resize();
        server.exchange();
        CHILD_CHECK(repentant.all_show({0}));  // what an earlier watch knew
        CHILD_CHECK(nosigbus_region_refresh(nosigbus_wl_view_region(repentant.canvases[0].view)) == 1);
        repentant.cut_off(0);
        CHILD_CHECK(shows(repentant.canvases[0], {0}));
        server.exchange();
      }
      repentant.redraw();
      repentant.resize();
      server.exchange();
      CHILD_CHECK(shows(repentant.canvases[0], {}));
    });
  }
}
