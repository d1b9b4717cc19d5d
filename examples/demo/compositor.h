// SPDX-License-Identifier: MIT
//
// The image that the server makes of its clients: tiles, labels, and the check against the patterns.
#ifndef NOSIGBUS_DEMO_COMPOSITOR_H
#define NOSIGBUS_DEMO_COMPOSITOR_H

#include <cstdint>
#include <string>

#include "canvas.h"
#include "report.h"

namespace demo {

class compositor {
 public:
  explicit compositor(server_report& report);

  canvas tile(std::uint32_t role_index) const;
  // Whether the tile is, byte for byte, what that client drew in that frame.
  bool exact(std::uint32_t role_index, int frame) const;
  // Darkens the tile of a client that was dropped.
  void dim(std::uint32_t role_index) const;
  // Writes header and labels anew.
  void label(const std::string& title) const;

 private:
  void label_tile(std::uint32_t role_index) const;

  server_report& report_;
  canvas screen_;
};

}  // namespace demo

#endif
