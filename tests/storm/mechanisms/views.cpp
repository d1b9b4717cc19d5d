// SPDX-License-Identifier: MIT
//
// Views of wl_shm buffers: cut off, read, and healed by the client's next request.
#include <nosigbus/nosigbus.hpp>

#include "../../wayland_view/painter.h"
#include "../mechanism.h"

namespace storms {

namespace {

class views : public task {
 public:
  using task::task;

  // The server is this thread's.
  void round() override {
    if (server_ == nullptr) begin();
    const size_t end = below(painter_->size - test::page_size());
    painter_->cut_off(end);
    expect(painter_->all_show({end}), "what is left of a view");
    server_->exchange();
    painter_->redraw();
    painter_->resize();
    server_->exchange();
    // One that is asked for is healed at once, others when their turn comes.
    for (const test::canvas& one : painter_->canvases) {
      nosigbus_wl_view_unref(test::view_of(painter_->client, one.buffer));
    }
    expect(painter_->all_show({}), "a view that was healed");
    ++met_;
  }

 private:
  void begin() {
    server_ = std::make_unique<test::shm_server>();
    nosigbus_wl_watcher merciful{};
    merciful.damaged = [](const nosigbus_wl_damage*, void*) { return false; };
    CHILD_CHECK(nosigbus_wl_watch(server_->display(), &merciful, sizeof merciful, nullptr) == 0);
    painter_ = std::make_unique<test::painter>(*server_, 2);
  }

  std::unique_ptr<test::shm_server> server_;
  std::unique_ptr<test::painter> painter_;
};

const registration g_views{
    {"wayland", "views of wl_shm buffers, healed by requests", 1, 1, install, make<views>, absorbed}};

}  // namespace

}  // namespace storms
