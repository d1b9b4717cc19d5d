// SPDX-License-Identifier: MIT
#include "client_log.h"

#include <wayland-server-protocol.h>

#include <cstdio>
#include <cstring>
#include <new>

namespace compositor {

namespace {

// Of its process, and that one's number.
template <size_t Size>
void name_client(wl_client* client, char (&name)[Size]) {
  pid_t id = 0;
  wl_client_get_credentials(client, &id, nullptr, nullptr);
  char path[32], command[20] = "";
  snprintf(path, sizeof path, "/proc/%d/comm", id);
  if (FILE* const file = fopen(path, "re")) {
    if (fgets(command, sizeof command, file) == nullptr) command[0] = '\0';
    fclose(file);
  }
  command[strcspn(command, "\n")] = '\0';
  // The client chooses its name, and this goes to a terminal.
  for (char& each : command) {
    if (each != '\0' && (each < ' ' || each > '~')) each = '?';
  }
  snprintf(name, Size, "%s (%d)", command, id);
}

// A client's, and freed when that is. It may have lost its process before.
struct entry {
  wl_listener gone;
  char name[64];
};

entry* entry_of(wl_listener* gone) { return reinterpret_cast<entry*>(gone); }

void on_gone(wl_listener* gone, void*) {
  fprintf(stderr, "%s has gone\n", entry_of(gone)->name);
  delete entry_of(gone);
}

void on_arrival(wl_listener*, void* data) {
  auto* const client = static_cast<wl_client*>(data);
  auto* const made = new (std::nothrow) entry{};
  if (made == nullptr) return;
  made->gone.notify = on_gone;
  name_client(client, made->name);
  wl_client_add_destroy_listener(client, &made->gone);
  fprintf(stderr, "%s has come\n", made->name);
}

// wl_display.error is what the server says last to a client that it disconnects, whatever the reason.
void on_message(void*, wl_protocol_logger_type direction, const wl_protocol_logger_message* message) {
  if (direction != WL_PROTOCOL_LOGGER_EVENT || message->message_opcode != WL_DISPLAY_ERROR ||
      strcmp(wl_resource_get_class(message->resource), wl_display_interface.name) != 0) {
    return;
  }
  wl_listener* const gone =
      wl_client_get_destroy_listener(wl_resource_get_client(message->resource), on_gone);
  fprintf(stderr, "%s is disconnected: error %u, %s\n", gone != nullptr ? entry_of(gone)->name : "a client",
          message->arguments[1].u, message->arguments[2].s);
}

}  // namespace

client_log::client_log(wl_display* display)
    : logger_(wl_display_add_protocol_logger(display, on_message, nullptr)) {
  arrivals_.listener.notify = on_arrival;
  wl_display_add_client_created_listener(display, &arrivals_.listener);
}

client_log::~client_log() {
  if (logger_ != nullptr) wl_protocol_logger_destroy(logger_);
  wl_list_remove(&arrivals_.listener.link);
}

}  // namespace compositor
