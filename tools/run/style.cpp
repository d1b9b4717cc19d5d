// SPDX-License-Identifier: MIT
#include "style.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace nosigbus::run {

namespace {

std::string_view value_of(const char* variable) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? "" : text;
}

bool understands_colors(int fd) {
  const std::string_view terminal = value_of("TERM");
  return value_of("NO_COLOR").empty() && !terminal.empty() && terminal != "dumb" && isatty(fd) != 0;
}

}  // namespace

style style_for(coloring wanted, int fd) {
  if (wanted == coloring::never || (wanted == coloring::automatic && !understands_colors(fd))) return {};
  return {.heading = "\033[1m",
          .good = "\033[32m",
          .doubtful = "\033[33m",
          .bad = "\033[1;31m",
          .end = "\033[0m"};
}

}  // namespace nosigbus::run
