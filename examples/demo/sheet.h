// SPDX-License-Identifier: MIT
//
// The three servers side by side, as their screens were at the end.
#ifndef NOSIGBUS_DEMO_SHEET_H
#define NOSIGBUS_DEMO_SHEET_H

#include <span>
#include <string>

#include "report.h"

namespace demo {

struct sheet_entry {
  server_report* report;
  std::string caption;
  bool died;
};

// Returns an empty string, or what went wrong.
std::string write_sheet(const std::string& path, std::span<const sheet_entry> entries);

}  // namespace demo

#endif
