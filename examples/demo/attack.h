// SPDX-License-Identifier: MIT
//
// What a client does around each of its frames, by role.
#ifndef NOSIGBUS_DEMO_ATTACK_H
#define NOSIGBUS_DEMO_ATTACK_H

#include <cstdint>
#include <memory>

#include "shared_file.h"
#include "wire.h"

namespace demo {

// What the client tells the server about its buffer; a lie is made here.
attach_message describe(const shared_file& file);

// The client's connection and the buffer that is attached.
struct client_state {
  unique_fd socket;
  std::unique_ptr<shared_file> file;
  // The server would not have the buffer that was attached last.
  bool refused = false;

  void attach(const attach_message& description);
};

// Honest by default. Frames count from the beginning of the attack.
class behaviour {
 public:
  virtual ~behaviour() = default;
  virtual void before_draw(client_state&, std::uint32_t) {}
  virtual void before_commit(client_state&, std::uint32_t) {}
  virtual void after_commit(client_state&, std::uint32_t) {}
  virtual rect damage() const { return whole_tile; }
};

std::unique_ptr<behaviour> make_behaviour(role r);

}  // namespace demo

#endif
