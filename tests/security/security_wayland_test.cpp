// SPDX-License-Identifier: MIT
//
// What a Wayland client can cost by its buffers. It is in the same process: what it sends and receives counts
// as well.
#include "scene.h"
#include "wayland_view/painter.h"

using namespace test;

namespace {

constexpr size_t buffers = 200;

uint64_t disconnected(const shm_client& client) { return client.error() ? 1 : 0; }

}  // namespace

TEST_CASE("a client that cuts off its pool costs a signal a view and is disconnected once") {
  const measured found = measure([](const meter& meter) {
    be_a_server();
    shm_server server;
    CHILD_CHECK(nosigbus_wl_watch(server.display(), nullptr, 0, nullptr) == 0);
    meter.begin();
    const painter one(server, buffers);
    one.cut_off(0);
    CHILD_CHECK(one.all_show({0}));
    server.exchange();
    meter.counted() = disconnected(one.client);
    one.release_views();
    meter.end();
    server.end();
  });
  enter("as a Wayland client has views made of 200 buffers, and cuts off their pool, and all are read", found,
        {.signals = buffers,
         .page_faults = 10 * buffers + few,
         .calls = 30 * buffers,
         .calls_at_most = 20,
         .mappings = 2 * buffers,
         .descriptors = 6,
         .memory = 400,
         .events = 1});
}

TEST_CASE("a client that is let live and resizes its pool all the time costs as much as it sends") {
  constexpr unsigned cycles = 100;
  const measured found = measure([](const meter& meter) {
    be_a_server();
    shm_server server;
    nosigbus_wl_watcher lenient{};
    lenient.damaged = [](const nosigbus_wl_damage*, void*) { return false; };
    CHILD_CHECK(nosigbus_wl_watch(server.display(), &lenient, sizeof lenient, nullptr) == 0);
    const painter one(server, 4);
    meter.begin();
    for (unsigned i = 0; i < cycles; ++i) {
      one.cut_off(0);
      CHILD_CHECK(one.all_show({0}));
      server.exchange();
      one.redraw();
      one.resize();
      server.exchange();
    }
    meter.counted() = disconnected(one.client);
    meter.end();
    server.end();
  });
  enter("as a Wayland client that is let live cuts off its pool of 4 buffers and resizes it, 100 times",
        found,
        {.signals = 4 * cycles,
         .page_faults = 40 * cycles,
         .calls = 150 * cycles,
         .calls_at_most = 20,
         .mappings = 4,
         .memory = 100});
}
