// SPDX-License-Identifier: MIT
//
// Clients that know how a server keeps its mappings.
#include <sys/mman.h>
#include <unistd.h>

#include <list>
#include <vector>

#include "attacks.h"
#include "surface.h"

namespace weston_test {

namespace {

constexpr int repaints = 3;

// A pool that grows and has no room is mapped elsewhere; weston's pixman renderer goes on reading where it
// was. Another pool is there by then, and is not the one that libwayland takes to be read.
const char* stale_pool(client& connection) {
  const file memory = file::anonymous(attack_size), other = file::anonymous(2 * attack_size);
  // The kernel maps downwards: what comes first stands in the way.
  const pool ceiling(connection, other, attack_size);
  const pool mapped(connection, memory, attack_size);
  const buffer content = mapped.make_buffer(attack_width, attack_height);
  window shown(connection);
  shown.show(content.get());
  mapped.resize(2 * attack_size);
  const pool squatter(connection, other, attack_size);
  connection.roundtrip();
  other.truncate(0);
  shown.show(nullptr, repaints);
  return "";
}

// A connection and as many pools, each of which is a mapping in the server.
struct hoard {
  hoard(const file& memory, int count) {
    for (int i = 1; i <= count; ++i) {
      pools.emplace_back(connection, memory, 4096);
      if (i % 16 == 0) connection.roundtrip();
    }
    connection.roundtrip();
  }

  client connection;
  std::vector<pool> pools;
};

// So many mappings that the kernel makes no other, not in place of an old one and not for libwayland's
// handler. Who asks for one too many is disconnected, with all it has: many connections, in the end for one
// each.
const char* map_limit(client& connection) {
  const file memory = file::anonymous(attack_size);
  const pool mapped(connection, memory, attack_size);
  const buffer content = mapped.make_buffer(attack_width, attack_height);
  window shown(connection);
  shown.show(content.get());
  std::list<hoard> hoards;
  for (const int count : {8192, 512, 32, 1}) {
    try {
      while (true) hoards.emplace_back(memory, count);
    } catch (const disconnected&) {
    }
  }
  memory.truncate(0);
  shown.show(content.get(), repaints);
  return "";
}

constexpr attack all[] = {
    {"stale_pool", stale_pool},
    {"map_limit", map_limit, nature::takes_screen},
};

}  // namespace

std::span<const attack> mapping_tricks() { return all; }

}  // namespace weston_test
