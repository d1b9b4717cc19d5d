// SPDX-License-Identifier: MIT
#ifndef NOSIGBUS_DEMO_CAUSE_NAME_H
#define NOSIGBUS_DEMO_CAUSE_NAME_H

#include <nosigbus/fault.h>

namespace demo {

constexpr const char* cause_name(nosigbus_cause cause) {
  switch (cause) {
    case NOSIGBUS_NONE:
      return nullptr;
    case NOSIGBUS_MISSING:
      return "missing page";
    case NOSIGBUS_EOF:
      return "end of file";
    case NOSIGBUS_IO:
      return "i/o error";
    case NOSIGBUS_POISON:
      return "poisoned memory";
    default:
      return "not mapped";
  }
}

}  // namespace demo

#endif
