// SPDX-License-Identifier: MIT
//
// Faults whose callers are known, and the names of who is found. For code in children.
#pragma once

#include <nosigbus/backtrace.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "support/region_fixture.h"

namespace test {

// A call that stays one, with a frame of its own.
#define OUTLINE __attribute__((noinline))
inline void keep_frame() { asm volatile("" ::: "memory"); }

// The page that is missing, for functions that have no argument for it.
inline const unsigned char* volatile missing_page;

// A region that begins to be missing, for one fault or several.
class missing_region {
 public:
  missing_region() : file_(2 * page_size()), region_(make_region(origin::mapped, file_, 2 * page_size())) {
    cut_off();
  }
  void cut_off() {
    file_.resize(0);
    missing_page = static_cast<const unsigned char*>(region_.data());
  }
  void heal() {
    file_.resize(2 * page_size());
    CHILD_CHECK(region_.refresh() == 1);
  }
  nosigbus::region& region() { return region_; }

 private:
  shared_file file_;
  nosigbus::region region_;
};

OUTLINE inline int fault_by_load() {
  const int value = *const_cast<const volatile unsigned char*>(missing_page);
  keep_frame();
  return value;
}

OUTLINE inline int deep(int levels, int (*last)()) {
  const int result = levels == 0 ? last() : deep(levels - 1, last);
  keep_frame();
  return result;
}

// False where the system has no way to collect chains: user-mode emulation.
inline bool enabled() { return nosigbus_backtrace_enable() == 0; }

using chain = std::vector<uintptr_t>;

// Of the next event, of which there is one.
inline chain chain_of_event() {
  chain result;
  int events = 0;
  CHILD_CHECK(nosigbus::dispatch([&](const nosigbus::event& event) {
                ++events;
                result.assign(event.chain, event.chain + event.chain_length);
              }) == 1);
  CHILD_CHECK(events == 1);
  return result;
}

struct named {
  std::string module, function, file;
  size_t offset;
  unsigned line;
};

inline std::vector<named> describe(const chain& addresses) {
  std::vector<named> frames;
  const auto add = [](const nosigbus_frame* frame, void* user) {
    const auto text = [](const char* s) { return std::string(s == nullptr ? "" : s); };
    static_cast<std::vector<named>*>(user)->push_back(
        {text(frame->module), text(frame->function), text(frame->file), frame->offset, frame->line});
    return 0;
  };
  const int described = nosigbus_backtrace_describe(addresses.data(), addresses.size(), add, &frames);
  CHILD_CHECK(described == static_cast<int>(addresses.size()));
  return frames;
}

inline bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// How many frames have a function of this name.
inline int count(const std::vector<named>& frames, const char* function) {
  int found = 0;
  for (const named& frame : frames) found += has(frame.function, function) ? 1 : 0;
  return found;
}

inline void say(const std::vector<named>& frames) {
  for (const named& frame : frames) {
    dprintf(2, "  %s+%#zx %s:%u [%s]\n", frame.function.c_str(), frame.offset, frame.file.c_str(), frame.line,
            frame.module.c_str());
  }
}

// Begins in a child with chains and events; false where there are none.
inline bool begin() {
  CHILD_CHECK(nosigbus_event_fd() >= 0);
  return enabled();
}

inline std::vector<named> chain_by(int (*last)(), int levels = 0) {
  missing_region missing;
  deep(levels, last);
  const auto frames = describe(chain_of_event());
  CHILD_CHECK(!frames.empty());
  return frames;
}

}  // namespace test
