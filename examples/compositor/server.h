// SPDX-License-Identifier: MIT
//
// The compositor: what there is, and when it is painted.
#pragma once

#include <wayland-server-core.h>

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "client_log.h"
#include "output.h"
#include "scene.h"
#include "screen_capture.h"
#include "seat.h"
#include "uploader.h"

namespace compositor {

class surface;

struct settings {
  int width = 1024, height = 768;
  std::string socket;   // empty: the first that is free
  std::string picture;  // what SIGUSR2 and the end write; empty: nothing
  long frames = 0;      // ends after so many; 0: never
  int interval = 16;    // milliseconds between two of them at least
  bool tolerant = false;
};

class server {
  struct closer {
    void operator()(wl_display* which) const { wl_display_destroy(which); }
    void operator()(wl_event_source* which) const { wl_event_source_remove(which); }
  };
  using event_source = std::unique_ptr<wl_event_source, closer>;
  // Outlives all else.
  const std::unique_ptr<wl_display, closer> display_;

 public:
  // Throws std::runtime_error.
  explicit server(const settings& wanted);
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  ~server();

  // Until SIGTERM, SIGINT, the last frame, or `stop`.
  void run();
  void stop() { stopped_ = true; }
  // Soon, and once for all that ask for it meanwhile.
  void schedule_repaint();
  static uint32_t milliseconds();

  const settings options;
  wl_display* const display;
  wl_event_loop* const loop;
  std::list<surface*> surfaces;
  output screen;
  scene windows;
  seat pointers;
  screen_capture captures;
  uploader uploads;
  // Spent on uploads, and on painting, so far; nanoseconds.
  long upload_time = 0, paint_time = 0;

 private:
  void offer_globals();
  void listen();
  void watch_signals();
  // Throws where there is none.
  wl_event_source* keep(wl_event_source* made);
  void paint();
  void write_picture() const;

  const client_log log_;
  wayland_lock lock_;
  std::vector<event_source> sources_;
  wl_event_source* repaint_timer_ = nullptr;
  bool stopped_ = false, repaint_scheduled_ = false, repaint_due_ = false;
  uint32_t last_painted_ = 0;
  long frames_painted_ = 0;
};

}  // namespace compositor
