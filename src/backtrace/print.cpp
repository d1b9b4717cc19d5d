// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <nosigbus/backtrace.h>
#include <stdarg.h>
#include <stdio.h>

namespace nosigbus::backtrace {

namespace {

// Writes until something fails, and keeps why.
class printer {
 public:
  explicit printer(int fd) : fd_(fd) {}

  __attribute__((format(printf, 2, 3))) void operator()(const char* format, ...) {
    va_list values;
    va_start(values, format);
    if (error_ == 0 && vdprintf(fd_, format, values) < 0) error_ = -errno;
    va_end(values);
  }
  int error() const { return error_; }

 private:
  int fd_;
  int error_ = 0;
};

const char* name_of(nosigbus_cause cause) {
  switch (cause) {
    case NOSIGBUS_NONE:
      return "by the size of the file";
    case NOSIGBUS_MISSING:
      return "cannot be supplied";
    case NOSIGBUS_EOF:
      return "end of file";
    case NOSIGBUS_IO:
      return "I/O error";
    case NOSIGBUS_POISON:
      return "poisoned memory";
    case NOSIGBUS_UNMAPPED:
      return "unmapped";
    case NOSIGBUS_PROTECTED:
      return "protected";
  }
  return "unknown";
}

void print_what(printer& print, unsigned what) {
  constexpr struct {
    unsigned bit;
    const char* name;
  } all[] = {{NOSIGBUS_EVENT_FAULT, "fault"},
             {NOSIGBUS_EVENT_SHRUNK, "file shrank"},
             {NOSIGBUS_EVENT_GREW, "file grew"}};
  const char* before = "";
  for (const auto& each : all) {
    if ((what & each.bit) == 0) continue;
    print("%s%s", before, each.name);
    before = ", ";
  }
  if (*before == 0) print("nothing new");
}

void print_summary(printer& print, const nosigbus_event& event) {
  print("nosigbus: region %p: ", nosigbus_region_data(event.region));
  print_what(print, event.what);
  if (event.offset != UINT64_MAX) {
    print("; missing from offset %" PRIu64 " on (%s)", event.offset, name_of(event.cause));
  }
  print("; %" PRIu64 " fault%s so far", event.count, event.count == 1 ? "" : "s");
  if (event.file_size != UINT64_MAX) print("; the file has %" PRIu64 " bytes", event.file_size);
  print("\n");
}

struct frame_printer {
  printer& print;
  unsigned number;
};

int print_frame(const nosigbus_frame* frame, void* user) {
  frame_printer& to = *static_cast<frame_printer*>(user);
  to.print("  #%-2u 0x%016" PRIxPTR " %s+0x%zx", to.number++, frame->address,
           frame->function != nullptr ? frame->function : "?", frame->offset);
  if (frame->file != nullptr) to.print(" at %s:%u", frame->file, frame->line);
  if (frame->module != nullptr) to.print(" [%s]", frame->module);
  to.print("\n");
  return to.print.error();
}

}  // namespace

}  // namespace nosigbus::backtrace

using namespace nosigbus::backtrace;

int nosigbus_event_print(const nosigbus_event* event, int fd) noexcept {
  if (event == nullptr) return -EINVAL;
  printer print(fd);
  print_summary(print, *event);
  frame_printer frames{print, 0};
  const int described = nosigbus_backtrace_describe(event->chain, event->chain_length, print_frame, &frames);
  return described < 0 ? described : print.error();
}
