// SPDX-License-Identifier: MIT
//
// A client: draws into its buffer, tells the server, waits until the server is done with it. The
// hostile roles do other things besides.
#include <cerrno>

#include "attack.h"
#include "options.h"

namespace demo {
namespace {

constexpr int connect_patience_ms = 5000;

// Waits until the server is done with the frame. False when there is nothing more to do.
bool wait_until_done(client_state& client) {
  for (;;) {
    reply_message reply;
    const received result = receive_message(client.socket.get(), &reply, sizeof reply, true);
    if (result.state != receive_state::message || result.size != sizeof reply) return false;
    if (reply.kind == message_kind::done) return reply.last == 0;
    if (reply.kind == message_kind::refused) client.refused = true;
  }
}

bool serve_frame(client_state& client, behaviour& conduct, role who, std::uint32_t frame,
                 std::uint32_t begin) {
  const bool attacks = frame >= begin;
  const std::uint32_t since = frame - begin;
  if (attacks) conduct.before_draw(client, since);
  const rect changed = changed_part(who, static_cast<int>(frame));
  client.file->draw(who, static_cast<int>(frame), changed);
  if (attacks) conduct.before_commit(client, since);
  const rect part = attacks ? conduct.damage() : changed;
  const damage_message damage{message_kind::damage, frame, part.x, part.y, part.width, part.height};
  if (!send_message(client.socket.get(), &damage, sizeof damage, -1, true)) return false;
  if (attacks) conduct.after_commit(client, since);
  return wait_until_done(client);
}

int run(const client_options& options) {
  const role who = static_cast<role>(find_role(options.role));
  const std::uint32_t begin = attack_frame(who, options.attack_from);
  client_state client{connect_to(options.socket, connect_patience_ms),
                      std::make_unique<shared_file>(picture_bytes, 0)};
  if (!client.socket) return complain("cannot connect to " + options.socket + ": ", error_text(errno));
  const hello_message hello{message_kind::hello, static_cast<std::uint32_t>(who)};
  send_message(client.socket.get(), &hello, sizeof hello, -1, true);
  client.attach(describe(*client.file));
  const std::unique_ptr<behaviour> conduct = make_behaviour(who);
  std::uint32_t frame = 0;
  while (serve_frame(client, *conduct, who, frame, begin)) ++frame;
  return 0;
}

}  // namespace
}  // namespace demo

int main(int argc, char** argv) {
  demo::client_options options;
  if (const int status = demo::parse_client_options(argc, argv, options); status >= 0) return status;
  return demo::run(options);
}
