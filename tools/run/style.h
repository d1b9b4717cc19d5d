// SPDX-License-Identifier: MIT
//
// Colours of what people read.
#pragma once

namespace nosigbus::run {

enum class coloring { automatic, always, never };

// What is written before such words, and after them. Without colours nothing.
struct style {
  const char* heading = "";
  const char* good = "";
  const char* doubtful = "";
  const char* bad = "";
  const char* end = "";
};

// For what goes to that descriptor. automatic: to a terminal that is not dumb, unless NO_COLOR is set
// (no-color.org).
style style_for(coloring wanted, int fd);

}  // namespace nosigbus::run
