// SPDX-License-Identifier: MIT
//
// The X server itself: Xvfb, and a client that cuts off the segment that it draws from. What busfault_test
// says of os/busfault.c can be seen here of one scenario, and what nosigbus-run makes of it.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xcb/shm.h>
#include <xcb/xcb.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "scenarios.h"
#include "support/process.h"

using namespace adapters;

namespace {

constexpr int patience = 20000;  // milliseconds

// Xvfb, on a display that it chooses.
struct server {
  explicit server(bool wrapped) : program(command(wrapped)) {
    const auto number = program.line(patience);
    REQUIRE(number);
    display = ":" + *number;
  }
  // It takes its socket and its lock along.
  ~server() {
    if (program.ended()) return;
    kill(program.id(), SIGTERM);
    program.ended(patience);
  }
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  static std::vector<std::string> command(bool wrapped) {
    std::vector<std::string> words;
    if (wrapped) words = {ADAPTERS_TEST_NOSIGBUS_RUN, "--"};
    for (const char* word : {ADAPTERS_TEST_XVFB, "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten",
                             "tcp", "-noreset"})
      words.emplace_back(word);
    return words;
  }

  test::process program;
  std::string display;
};

class client {
 public:
  explicit client(const server& to) : connection_(xcb_connect(to.display.c_str(), nullptr)) {
    REQUIRE(xcb_connection_has_error(connection_) == 0);
    const xcb_screen_t& screen = *xcb_setup_roots_iterator(xcb_get_setup(connection_)).data;
    depth_ = screen.root_depth;
    xcb_create_pixmap(connection_, depth_, pixmap_ = xcb_generate_id(connection_), screen.root, side, side);
    xcb_create_gc(connection_, context_ = xcb_generate_id(connection_), pixmap_, 0, nullptr);
  }
  ~client() { xcb_disconnect(connection_); }
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  void attach(const test::shared_file& file) {
    segment_ = xcb_generate_id(connection_);
    // The descriptor goes with the request.
    CHECK(done(xcb_shm_attach_fd_checked(connection_, segment_, dup(file.fd()), 0)));
  }
  // False: an error, or no server any more.
  bool draw() {
    return done(xcb_shm_put_image_checked(connection_, pixmap_, context_, side, side, 0, 0, side, side, 0, 0,
                                          depth_, XCB_IMAGE_FORMAT_Z_PIXMAP, 0, segment_, 0));
  }
  bool connected() const { return xcb_connection_has_error(connection_) == 0; }

 private:
  static constexpr uint16_t side = 64;

  bool done(xcb_void_cookie_t request) {
    const std::unique_ptr<xcb_generic_error_t, decltype(&std::free)> error(
        xcb_request_check(connection_, request), &std::free);
    return error == nullptr && connected();
  }

  xcb_connection_t* connection_;
  xcb_pixmap_t pixmap_ = 0;
  xcb_gcontext_t context_ = 0;
  xcb_shm_seg_t segment_ = 0;
  uint8_t depth_ = 0;
};

// Draws from a segment of that size, cuts it off, and draws again. Whether the server lived.
bool attack(const server& victim, size_t size) {
  test::shared_file file(page);
  file.resize(size);
  client hostile(victim);
  hostile.attach(file);
  CHECK(hostile.draw());
  file.resize(0);
  // The server takes the segment away, from its main loop.
  for (int request = 0; request < 100 && hostile.draw(); ++request) usleep(10000);
  return hostile.connected();
}

void check_that_it_serves(const server& survivor) {
  test::shared_file file(1 << 20);
  client honest(survivor);
  honest.attach(file);
  CHECK(honest.draw());
}

}  // namespace

TEST_CASE("the X server survives a segment that is cut off") {
  for (const bool wrapped : {false, true}) {
    CAPTURE(wrapped);
    const server xvfb(wrapped);
    for (int round = 0; round < 3; ++round) CHECK(attack(xvfb, 1 << 20));
    check_that_it_serves(xvfb);
  }
}

// "if (new_addr == MAP_FAILED) goto panic": private memory of the segment's size.
TEST_CASE("the X server dies of a segment that is larger than memory but not below nosigbus-run") {
  if (!memory_is_refused()) return;
  {
    server xvfb(false);
    CHECK(!attack(xvfb, absurd_size));
    CHECK(xvfb.program.ended(patience) == test::killed_by(SIGABRT));
  }
  const server guarded(true);
  CHECK(attack(guarded, absurd_size));
  check_that_it_serves(guarded);
}
