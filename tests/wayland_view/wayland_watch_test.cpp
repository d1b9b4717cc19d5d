// SPDX-License-Identifier: MIT
//
// Who is told of damage, what is told, and what comes of it.
#include <doctest/doctest.h>
#include <nosigbus/runtime.h>

#include <functional>
#include <thread>

#include "painter.h"

using namespace test;

namespace {

const protocol_error on_buffer{"wl_buffer", WL_SHM_ERROR_INVALID_FD};

// A watch that notes what it is asked and answers as it is told to.
struct notes {
  std::vector<nosigbus_wl_damage> damages;
  std::vector<nosigbus_region*> others;
  bool disconnect = true;
  std::function<void(const nosigbus_wl_damage&)> also;

  void watch(wl_display* display) {
    nosigbus_wl_watcher watcher{};
    watcher.damaged = [](const nosigbus_wl_damage* damage, void* user) {
      notes& self = *static_cast<notes*>(user);
      self.damages.push_back(*damage);
      if (self.also) self.also(*damage);
      return self.disconnect;
    };
    watcher.other = [](const nosigbus_event* event, void* user) {
      static_cast<notes*>(user)->others.push_back(event->region);
      return 0;
    };
    CHILD_CHECK(nosigbus_wl_watch(display, &watcher, sizeof watcher, this) == 0);
  }
};

unsigned char first_byte(const canvas& one) {
  return *static_cast<const volatile unsigned char*>(nosigbus_wl_view_data(one.view));
}

template <class Body>
void in_server(Body body) {
  const outcome result = in_child([&body] {
    CHILD_CHECK(nosigbus_install(0) == 0);
    body();
    return 0;
  });
  CHECK(result == exited(0));
}

}  // namespace

TEST_CASE("the callback learns of view and client and buffer and of what is missing from where on and why") {
  in_server([] {
    shm_server server;
    notes asked;
    asked.watch(server.display());
    painter guilty(server, 3);
    const canvas& last = guilty.canvases[2];
    const size_t page = page_size(), end = (last.offset + 5000) / page * page;
    guilty.cut_off(end);
    CHILD_CHECK(shows(last, {end}));
    server.exchange();
    CHILD_CHECK(asked.damages.size() == 1);
    const nosigbus_wl_damage& damage = asked.damages[0];
    CHILD_CHECK(damage.view == last.view && damage.client == nosigbus_wl_view_client(last.view));
    CHILD_CHECK(damage.buffer == guilty.client.resource(last.buffer));
    CHILD_CHECK(damage.offset == end - last.offset && damage.count == 1 && damage.cause == NOSIGBUS_EOF);
    CHILD_CHECK(guilty.client.error() == on_buffer);
  });
}

TEST_CASE("it is asked once for all views of a client that is disconnected") {
  in_server([] {
    shm_server server;
    notes asked;
    asked.watch(server.display());
    painter guilty(server, 8), honest(server, 2);
    guilty.cut_off(0);
    for (const canvas& one : guilty.canvases) CHILD_CHECK(first_byte(one) == 0);
    server.exchange();
    CHILD_CHECK(asked.damages.size() == 1);
    CHILD_CHECK(guilty.client.error() == on_buffer && !honest.client.error());
  });
}

TEST_CASE("a client that is let live goes on and is judged again for other views and after another attack") {
  in_server([] {
    shm_server server;
    notes asked;
    asked.disconnect = false;
    asked.watch(server.display());
    painter guilty(server, 2);
    guilty.cut_off(0);
    CHILD_CHECK(first_byte(guilty.canvases[0]) == 0);
    server.exchange();
    CHILD_CHECK(asked.damages.size() == 1 && !guilty.client.error());
    CHILD_CHECK(first_byte(guilty.canvases[1]) == 0);
    server.exchange();
    CHILD_CHECK(asked.damages.size() == 2 && asked.damages[1].view == guilty.canvases[1].view);
    server.exchange();
    CHILD_CHECK(asked.damages.size() == 2 && !guilty.client.error());
    asked.disconnect = true;
    guilty.cut_off(guilty.size);
    CHILD_CHECK(nosigbus_region_refresh(nosigbus_wl_view_region(guilty.canvases[0].view)) == 1);
    guilty.cut_off(0);
    CHILD_CHECK(first_byte(guilty.canvases[0]) == 0);
    server.exchange();
    CHILD_CHECK(asked.damages.size() == 3 && guilty.client.error() == on_buffer);
  });
}

TEST_CASE("a view that ends before anybody was told of its faults is told of all the same") {
  for (const bool elsewhere : {false, true}) {
    in_server([elsewhere] {
      shm_server server;
      notes asked;
      asked.disconnect = elsewhere;
      asked.watch(server.display());
      painter guilty(server, 1);
      const canvas& one = guilty.canvases[0];
      wl_buffer_destroy(one.buffer);
      server.exchange();
      guilty.cut_off(0);
      const auto read_and_end = [&one] {
        CHILD_CHECK(first_byte(one) == 0);
        nosigbus_wl_view_unref(one.view);
      };
      if (elsewhere) {
        std::thread(read_and_end).join();
      } else {
        read_and_end();
      }
      server.exchange();
      CHILD_CHECK(asked.damages.size() == 1 && asked.damages[0].buffer == nullptr);
      CHILD_CHECK(guilty.client.error().has_value() == elsewhere);
      CHILD_CHECK(live_regions() == 0);
    });
  }
}

TEST_CASE("events of other regions are handed on") {
  in_server([] {
    shm_server server;
    notes asked;
    asked.watch(server.display());
    const shared_file file(page_size());
    nosigbus_region* region = nullptr;
    CHILD_CHECK(nosigbus_map(&region, file.fd(), 0, 2 * page_size(), PROT_READ, 0) == 0);
    CHILD_CHECK(static_cast<const volatile char*>(nosigbus_region_data(region))[page_size()] == 0);
    server.exchange();
    CHILD_CHECK(asked.damages.empty() && asked.others == std::vector<nosigbus_region*>{region});
  });
}

TEST_CASE("the callback may destroy the client and the buffer and end views") {
  in_server([] {
    shm_server server;
    notes asked;
    asked.watch(server.display());
    painter guilty(server, 4), rude(server, 4);
    asked.also = [&](const nosigbus_wl_damage& damage) {
      if (damage.client == rude.client.at_server()) {
        wl_client_destroy(damage.client);
      } else {
        wl_resource_destroy(damage.buffer);
      }
    };
    guilty.cut_off(0);
    rude.cut_off(0);
    for (const painter* each : {&guilty, &rude}) {
      for (const canvas& one : each->canvases) CHILD_CHECK(first_byte(one) == 0);
    }
    guilty.release_views();
    rude.release_views();
    server.exchange();
    CHILD_CHECK(asked.damages.size() == 2 && rude.client.at_server() == nullptr);
    CHILD_CHECK(guilty.client.error() == (protocol_error{"wl_shm", WL_SHM_ERROR_INVALID_FD}));
  });
}

TEST_CASE("several displays in one event loop each") {
  in_server([] {
    shm_server here, there;
    notes asked_here, asked_there;
    asked_here.watch(here.display());
    asked_there.watch(there.display());
    painter guilty(there, 2), honest(here, 2);
    guilty.cut_off(0);
    CHILD_CHECK(first_byte(guilty.canvases[0]) == 0 && first_byte(honest.canvases[0]) == pattern(lead));
    here.exchange();  // takes the events of both
    there.exchange();
    CHILD_CHECK(asked_here.damages.empty() && asked_there.damages.size() == 1);
    CHILD_CHECK(guilty.client.error() == on_buffer && !honest.client.error());
  });
}

TEST_CASE("brackets work beside views where ours is the handler in front") {
  for (const bool rearmed : {false, true}) {
    const outcome result = in_child([rearmed] {
      shm_server server;
      if (rearmed) CHILD_CHECK(nosigbus_install(0) == 0);
      painter by_brackets(server, 1), by_views(server, 1);
      wl_shm_buffer* const buffer =
          wl_shm_buffer_get(by_brackets.client.resource(by_brackets.canvases[0].buffer));
      wl_shm_buffer_begin_access(buffer);  // the first one takes SIGBUS
      wl_shm_buffer_end_access(buffer);
      CHILD_CHECK(nosigbus_check() == (rearmed ? -EBUSY : -ENOENT));
      CHILD_CHECK((rearmed ? nosigbus_rearm() : nosigbus_install(0)) == 0);
      CHILD_CHECK(nosigbus_wl_watch(server.display(), nullptr, 0, nullptr) == 0);
      by_brackets.cut_off(0);
      wl_shm_buffer_begin_access(buffer);
      CHILD_CHECK(*static_cast<const volatile unsigned char*>(wl_shm_buffer_get_data(buffer)) == 0);
      CHILD_CHECK(by_views.all_show({}));
      by_views.cut_off(0);
      CHILD_CHECK(by_views.all_show({0}));
      wl_shm_buffer_end_access(buffer);
      server.exchange();
      CHILD_CHECK(by_brackets.client.error() == on_buffer && by_views.client.error() == on_buffer);
      return 0;
    });
    CHECK(result == exited(0));
  }
}

TEST_CASE("without a watch or after it nobody is disconnected and everybody is protected") {
  for (const bool watched_before : {false, true}) {
    in_server([watched_before] {
      shm_server server;
      notes asked;
      if (watched_before) {
        asked.watch(server.display());
        CHILD_CHECK(nosigbus_wl_unwatch(server.display()) == 0);
      }
      CHILD_CHECK(nosigbus_wl_unwatch(server.display()) == -ENOENT);
      painter guilty(server, 2);
      guilty.cut_off(0);
      for (const canvas& one : guilty.canvases) CHILD_CHECK(shows(one, {0}));
      guilty.release_views();
      server.exchange();
      CHILD_CHECK(!guilty.client.error() && asked.damages.empty());
    });
  }
}

TEST_CASE("a watch that ends while views wait to be told of ends them") {
  in_server([] {
    shm_server server;
    notes asked;
    asked.watch(server.display());
    painter guilty(server, 2);
    guilty.cut_off(0);
    for (const canvas& one : guilty.canvases) CHILD_CHECK(first_byte(one) == 0);
    guilty.client.vanish();
    guilty.release_views();
    CHILD_CHECK(nosigbus_wl_unwatch(server.display()) == 0);
    CHILD_CHECK(live_regions() == 0);
  });
}

TEST_CASE("a program that closed the pipe of events is listened to again at the next event of a file") {
  in_server([] {
    shm_server server;
    notes asked;
    asked.watch(server.display());
    const shared_file file(page_size());
    nosigbus_region* region = nullptr;
    CHILD_CHECK(nosigbus_map(&region, file.fd(), 0, page_size(), PROT_READ, 0) == 0);
    for (int fd = 0; fd < 1024; ++fd) {
      struct stat status {};
      if (fd > 2 && fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode)) close(fd);
    }
    painter guilty(server, 2);
    guilty.cut_off(0);
    CHILD_CHECK(ftruncate(file.fd(), 0) == 0);
    CHILD_CHECK(first_byte(guilty.canvases[0]) == 0);
    server.exchange();
    CHILD_CHECK(guilty.client.error() == on_buffer);
  });
}
