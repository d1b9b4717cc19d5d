// SPDX-License-Identifier: MIT
//
// A display server on libwayland-server, whose handler is installed at the first bracket around a read of a
// wl_shm buffer, with a client that cuts its pool off. PROGRAM MODE CASE; in all modes but those of displaced
// handlers libwayland's was there first.
#include <errno.h>
#include <nosigbus/runtime.h>

#include <cstring>
#include <string>

#include "subject.h"
#include "wayland_view/shm_client.h"
#include "wayland_view/shm_server.h"

namespace {

using namespace test;

// A client with one buffer, as large as the file.
struct painter {
  explicit painter(shm_server& server) : client(server), fd(subject_file()) {
    wl_shm_pool* const pool = client.create_pool(fd, subject_size);
    buffer = shm_client::create_buffer(pool, 0, subject_page / 4, subject_pages, subject_page);
    server.exchange();
  }
  wl_shm_buffer* at_server() const { return wl_shm_buffer_get(client.resource(buffer)); }

  shm_client client;
  int fd;
  wl_buffer* buffer;
};

unsigned sum_in_bracket(const painter& who) {
  wl_shm_buffer* const buffer = who.at_server();
  wl_shm_buffer_begin_access(buffer);
  const unsigned sum = subject_sum(static_cast<unsigned char*>(wl_shm_buffer_get_data(buffer)));
  wl_shm_buffer_end_access(buffer);
  return sum;
}

void tell(const painter& who) {
  const auto error = who.client.error();
  printf("client: %s\n", error ? (error->interface + " " + std::to_string(error->code)).c_str() : "no error");
}

// What libwayland does by itself: it reads zeros, and the client is disconnected.
void bracket() {
  shm_server server;
  const painter honest(server), hostile(server);
  subject_cut(hostile.fd, subject_page);
  EXPECT(sum_in_bracket(honest) == subject_pages * subject_fill);
  EXPECT(sum_in_bracket(hostile) < subject_pages * subject_fill);
  server.exchange();
  tell(hostile);
  tell(honest);
}

// The same read without a bracket.
void outside() {
  shm_server server;
  const painter hostile(server);
  subject_cut(hostile.fd, subject_page);
  printf("%u\n", subject_sum(static_cast<unsigned char*>(wl_shm_buffer_get_data(hostile.at_server()))));
}

// libwayland installs its handler.
void begin_first_bracket() {
  shm_server server;
  EXPECT(sum_in_bracket(painter(server)) == subject_pages * subject_fill);
}

const subject_case g_own[] = {{"bracket", bracket}, {"outside", outside}, {nullptr, nullptr}};

}  // namespace

int main(int argc, char** argv) {
  EXPECT(argc == 3);
  const std::string mode = argv[1];
  if (mode == "displaced" || mode == "rearmed") {
    subject_start("installed");
    begin_first_bracket();
    EXPECT(nosigbus_check() == -EBUSY);
    if (mode == "rearmed") EXPECT(nosigbus_rearm() == 0 && nosigbus_check() == 0);
  } else {
    begin_first_bracket();
    subject_start(argv[1]);
  }
  subject_run(argv[2], g_own);
  return 0;
}
