// SPDX-License-Identifier: MIT
#include "wayland_scenarios.h"

#include <cerrno>

#include "scene.h"
#include "wayland_view/painter.h"

namespace test {

namespace {

// Views that a watch heals at a time.
constexpr size_t most_at_once = 64;

// A server and a client whose buffers, of which there are views, are in one file.
struct stand {
  explicit stand(size_t count = 1) : paint(server, count) {}
  ~stand() {
    paint.client.vanish();
    paint.release_views();
    close(paint.fd);
  }
  stand(const stand&) = delete;
  stand& operator=(const stand&) = delete;

  // One more, without a view.
  wl_resource* another_buffer() {
    wl_buffer* const made = shm_client::create_buffer(paint.pool, lead, width, height, stride);
    server.exchange();
    return paint.client.resource(made);
  }
  // The last byte of the last view. What is not absorbed comes back.
  int touch_last(unsigned char wanted) const {
    nosigbus_wl_view* const view = paint.canvases.back().view;
    const auto* const data = static_cast<unsigned char*>(nosigbus_wl_view_data(view));
    return touch(data + nosigbus_wl_view_size(view) - 1, wanted);
  }
  // Nothing of the file is left, which each view notices.
  void damage() const {
    paint.cut_off(0);
    CHILD_CHECK(paint.all_show({0}));
  }

  // The same, and the file is whole again when a request finds it so.
  void damage_and_resize() {
    damage();
    server.exchange();
    paint.redraw();
    paint.resize();
    paint.client.send();
    wl_event_loop_dispatch(loop(), 0);
  }
  wl_event_loop* loop() { return wl_display_get_event_loop(server.display()); }

  void ask_for_all() const {
    for (const canvas& one : paint.canvases) nosigbus_wl_view_unref(view_of(paint.client, one.buffer));
  }
  // Soon.
  bool is_healed() {
    for (int i = 0; i < 20 && !paint.all_show({}); ++i) {
      wl_event_loop_dispatch(loop(), 10);
    }
    return paint.all_show({});
  }

  shm_server server;
  painter paint;
};

// A watch whose clients are let live, or disconnected.
int watch(wl_display* display, bool merciful) {
  nosigbus_wl_watcher watcher{};
  if (merciful) watcher.damaged = [](const nosigbus_wl_damage*, void*) { return false; };
  return nosigbus_wl_watch(display, &watcher, sizeof watcher, nullptr);
}

void add_views(std::vector<scenario>& all) {
  const std::vector<std::string> rows{"`nosigbus_wl_view_get`"};
  for (const unsigned flags : {0u, unsigned{NOSIGBUS_WL_WRITE}}) {
    const std::string suffix = flags == 0 ? "" : ": writable";
    all.push_back({"view_get" + suffix, rows, [flags](stage& on) {
                     stand at;
                     wl_resource* const buffer = at.another_buffer();
                     nosigbus_wl_view* view = nullptr;
                     const int error = on.observe(answers{0, {-ENOMEM, -ENOTSUP}, true},
                                                  [&] { return nosigbus_wl_view_get(&view, buffer, flags); });
                     CHILD_CHECK((error == 0) == (view != nullptr));
                     if (error != 0) CHILD_CHECK(nosigbus_wl_view_get(&view, buffer, flags) == 0);
                     CHILD_CHECK(shows(view, lead, {}));
                     nosigbus_wl_view_unref(view);
                   }});
  }
  all.push_back({"view_unref", {"`nosigbus_wl_view_unref`"}, [](stage& on) {
                   stand at;
                   wl_resource* const buffer = at.another_buffer();
                   nosigbus_wl_view* view = nullptr;
                   CHILD_CHECK(nosigbus_wl_view_get(&view, buffer, 0) == 0);
                   wl_resource_destroy(buffer);
                   on.observe(answers{0, {}}, [&] { return nosigbus_wl_view_unref(view), 0; });
                 }});
  all.push_back({"view_unref: of which its watch has not heard", {"`nosigbus_wl_view_unref`"}, [](stage& on) {
                   stand at;
                   CHILD_CHECK(watch(at.server.display(), false) == 0);
                   at.damage();
                   wl_resource_destroy(at.paint.client.resource(at.paint.canvases[0].buffer));
                   on.observe(answers{0, {}}, [&] {
                     return nosigbus_wl_view_unref(std::exchange(at.paint.canvases[0].view, nullptr)), 0;
                   });
                   at.server.exchange();
                   CHILD_CHECK(at.paint.client.error().has_value());
                 }});
}

void add_faults(std::vector<scenario>& all) {
  for (const bool watched : {false, true}) {
    const std::string row = watched ? "the same, with `nosigbus_event_fd`" : "a fault in a region";
    all.push_back({watched ? "view: read and watched" : "view: read", {row}, [watched](stage& on) {
                     stand at;
                     if (watched) CHILD_CHECK(watch(at.server.display(), false) == 0);
                     at.paint.cut_off(page_size());
                     on.observe(answers{touch_right, {touch_declined}}, [&] { return at.touch_last(0); });
                     CHILD_CHECK(at.touch_last(0) == touch_right);
                     if (!watched) return;
                     at.server.exchange();
                     // Where the event's descriptor was not written to, dispatch tells what there is to tell.
                     CHILD_CHECK(at.paint.client.error().has_value() || on.failing());
                   }});
  }
}

void add_watches(std::vector<scenario>& all) {
  all.push_back({"watch", {"`nosigbus_wl_watch`"}, [](stage& on) {
                   stand at;
                   const auto begin = [&] { return watch(at.server.display(), false); };
                   const int error = on.observe(answers{0, {-ENOMEM, -EMFILE, -ENFILE}, true}, begin);
                   if (error != 0) CHILD_CHECK(begin() == 0);
                   at.damage();
                   at.server.exchange();
                   CHILD_CHECK(at.paint.client.error().has_value());
                 }});
  // That a source is removed, libwayland asks of the kernel: nothing but a filter refuses it, and the event
  // loop would keep what has been freed.
  all.push_back({"unwatch",
                 {"`nosigbus_wl_unwatch`"},
                 [](stage& on) {
                   stand at;
                   CHILD_CHECK(watch(at.server.display(), true) == 0);
                   at.damage();
                   at.server.exchange();
                   on.observe(answers{0, {}}, [&] { return nosigbus_wl_unwatch(at.server.display()); });
                   CHILD_CHECK(nosigbus_wl_unwatch(at.server.display()) == -ENOENT);
                   CHILD_CHECK(watch(at.server.display(), false) == 0);
                 },
                 0,
                 true,
                 {"epoll_ctl"}});
}

const call_names of_event_loop{"epoll_wait", "timerfd_settime"};

void add_turns(std::vector<scenario>& all) {
  for (const bool merciful : {false, true}) {
    const std::string name =
        std::string("watch: its event loop hears of a fault") + (merciful ? " and lets the client live" : "");
    all.push_back({name,
                   {"a watch that hears of faults"},
                   [merciful](stage& on) {
                     stand at;
                     CHILD_CHECK(watch(at.server.display(), merciful) == 0);
                     at.damage();
                     wl_event_loop* const loop = wl_display_get_event_loop(at.server.display());
                     on.observe(answers{0, {}}, [&] { return wl_event_loop_dispatch(loop, 0); });
                     // What could not be heard is heard the next time.
                     at.server.exchange();
                     CHILD_CHECK(at.paint.client.error().has_value() == !merciful);
                   },
                   0,
                   true,
                   of_event_loop});
  }
}

// libwayland calls the loggers in the order in which they were added last: this one before the watch's,
// another one after it.
class logger_window {
 public:
  logger_window(stage& on, wl_display* display) : on_(on), display_(display) {
    after_ = wl_display_add_protocol_logger(display, end, this);
  }
  // The watch has its logger.
  void open() { before_ = wl_display_add_protocol_logger(display_, begin, this); }
  bool seen() const { return seen_; }
  ~logger_window() {
    wl_protocol_logger_destroy(before_);
    wl_protocol_logger_destroy(after_);
  }
  logger_window(const logger_window&) = delete;
  logger_window& operator=(const logger_window&) = delete;

 private:
  static bool is_resize(wl_protocol_logger_type direction, const wl_protocol_logger_message* message) {
    return direction == WL_PROTOCOL_LOGGER_REQUEST && std::string(message->message->name) == "resize";
  }
  static void begin(void* data, wl_protocol_logger_type direction,
                    const wl_protocol_logger_message* message) {
    logger_window& self = *static_cast<logger_window*>(data);
    if (!is_resize(direction, message) || self.seen_) return;
    self.seen_ = self.begun_ = true;
    self.on_.begin();
  }
  static void end(void* data, wl_protocol_logger_type, const wl_protocol_logger_message*) {
    logger_window& self = *static_cast<logger_window*>(data);
    if (!self.begun_) return;
    self.on_.end();
    self.begun_ = false;
    self.on_.judge(answers{0, {}}, 0);
  }

  stage& on_;
  wl_display* const display_;
  wl_protocol_logger *before_ = nullptr, *after_;
  bool seen_ = false, begun_ = false;
};

void add_healing(std::vector<scenario>& all) {
  const std::vector<std::string> rows{"a watch that heals views"};
  for (const size_t count : {size_t{2}, most_at_once + 2}) {
    const std::string name =
        std::string("watch: a pool is resized") + (count > most_at_once ? ": with many views" : "");
    all.push_back({name, rows, [count](stage& on) {
                     stand at(count);
                     logger_window window(on, at.server.display());
                     CHILD_CHECK(watch(at.server.display(), true) == 0);
                     at.damage();
                     at.server.exchange();
                     at.paint.redraw();
                     window.open();
                     at.paint.resize();
                     at.server.exchange();
                     CHILD_CHECK(window.seen());
                     CHILD_CHECK(on.failing() || at.is_healed());
                     at.paint.resize();
                     at.server.exchange();
                     if (on.failing()) at.ask_for_all();  // the timer may have been refused
                     CHILD_CHECK(at.is_healed());
                   }});
  }
  all.push_back({"watch: many views are healed soon", rows,
                 [](stage& on) {
                   stand at(most_at_once + 2);
                   CHILD_CHECK(watch(at.server.display(), true) == 0);
                   at.damage_and_resize();
                   CHILD_CHECK(!at.paint.all_show({}));
                   wl_event_loop* const loop = at.loop();
                   on.observe(answers{0, {}}, [&] { return wl_event_loop_dispatch(loop, -1); });
                   at.server.exchange();
                   CHILD_CHECK(on.failing() || at.is_healed());
                   at.paint.resize();
                   at.server.exchange();
                   CHILD_CHECK(at.is_healed());
                 },
                 0, true, of_event_loop});
  all.push_back({"view_get: of a view that can be healed", {"`nosigbus_wl_view_get`"}, [](stage& on) {
                   stand at(most_at_once + 2);
                   CHILD_CHECK(watch(at.server.display(), true) == 0);
                   at.damage_and_resize();
                   const canvas& last = at.paint.canvases.back();
                   wl_resource* const buffer = at.paint.client.resource(last.buffer);
                   nosigbus_wl_view* view = nullptr;
                   on.observe(answers{0, {}}, [&] { return nosigbus_wl_view_get(&view, buffer, 0); });
                   CHILD_CHECK(view == last.view);
                   nosigbus_wl_view_unref(view);
                   CHILD_CHECK(shows(last, {}) || on.failing());
                   at.server.exchange();
                   at.paint.resize();
                   at.server.exchange();
                   CHILD_CHECK(at.is_healed());
                 }});
}

}  // namespace

std::vector<scenario> wayland_scenarios() {
  std::vector<scenario> all;
  add_views(all);
  add_faults(all);
  add_watches(all);
  add_turns(all);
  add_healing(all);
  return all;
}

}  // namespace test
