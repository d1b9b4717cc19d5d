// SPDX-License-Identifier: MIT
#include <cxxabi.h>
#include <errno.h>
#include <nosigbus/backtrace.h>
#include <src/backtrace/symbols.h>
#include <stdlib.h>

namespace nosigbus::backtrace {

namespace {

// A name as it is written in C++, if it is one of C++.
class readable_name {
 public:
  explicit readable_name(const char* linked)
      : linked_(linked),
        demangled_(linked == nullptr ? nullptr : abi::__cxa_demangle(linked, nullptr, nullptr, nullptr)) {}
  ~readable_name() { free(demangled_); }
  readable_name(const readable_name&) = delete;
  readable_name& operator=(const readable_name&) = delete;

  const char* get() const { return demangled_ != nullptr ? demangled_ : linked_; }

 private:
  const char* linked_;
  char* demangled_;
};

}  // namespace

}  // namespace nosigbus::backtrace

using namespace nosigbus::backtrace;

int nosigbus_backtrace_describe(const uintptr_t* chain, size_t length,
                                int (*callback)(const nosigbus_frame* frame, void* user),
                                void* user) noexcept {
  if (callback == nullptr || (chain == nullptr && length != 0)) return -EINVAL;
  if (length == 0) return 0;
  const symbols names;
  if (!names.good()) return -ENOMEM;
  int described = 0;
  for (size_t i = 0; i < length; ++i) {
    // What a call returns to can be another line, or another function.
    const symbol found = names.find(i == 0 ? chain[i] : chain[i] - 1);
    const readable_name function(found.function);
    nosigbus_frame frame{};
    frame.address = chain[i];
    frame.module = found.module;
    frame.function = function.get();
    frame.offset = found.module == nullptr ? 0 : chain[i] - found.begin;
    frame.file = found.file;
    frame.line = static_cast<unsigned>(found.line);
    ++described;
    if (callback(&frame, user) != 0) break;
  }
  return described;
}
