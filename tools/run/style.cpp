// SPDX-License-Identifier: MIT
#include "style.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace nosigbus::run {

namespace {

bool is_set(const char* variable) {
  const char* const text = std::getenv(variable);
  return text != nullptr && *text != '\0';
}

bool understands_colors(int fd) {
  return !is_set("NO_COLOR") && is_set("TERM") && strcmp(std::getenv("TERM"), "dumb") != 0 && isatty(fd) != 0;
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
