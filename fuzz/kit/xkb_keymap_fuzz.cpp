// SPDX-License-Identifier: MIT
//
// libxkbcommon compiles a keymap, as a client of Wayland has it from its server: in a mapping of the server's
// file. It is read in a region.
#include <xkbcommon/xkbcommon.h>

#include <nosigbus/fuzz.hpp>
#include <nosigbus/nosigbus.hpp>

// Its parser leaks what it has read of a keymap with a mistake in it, whoever wrote that.
extern "C" const char* __lsan_default_options() { return "detect_leaks=0"; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nosigbus::install();
  const nosigbus::hostile_buffer buffer(data, size);
  const auto region = nosigbus::region::adopt(buffer.writable_data(), buffer.size(), buffer.fd(),
                                              NOSIGBUS_ABSORB_IO | NOSIGBUS_ABSORB_POISON);
  if (!region) return 0;
  // One for each input: names that it has met stay in it.
  xkb_context* const context = xkb_context_new(
      static_cast<xkb_context_flags>(XKB_CONTEXT_NO_DEFAULT_INCLUDES | XKB_CONTEXT_NO_ENVIRONMENT_NAMES));
  xkb_context_set_log_level(context, static_cast<xkb_log_level>(0));
  xkb_keymap* const keymap =
      xkb_keymap_new_from_buffer(context, reinterpret_cast<const char*>(buffer.data()), buffer.size(),
                                 XKB_KEYMAP_FORMAT_TEXT_V1, XKB_KEYMAP_COMPILE_NO_FLAGS);
  if (keymap != nullptr) {
    xkb_state* const state = xkb_state_new(keymap);
    for (xkb_keycode_t key = 8; key < 256; ++key) xkb_state_key_get_one_sym(state, key);
    xkb_state_unref(state);
  }
  xkb_keymap_unref(keymap);
  xkb_context_unref(context);
  return 0;
}
