/* SPDX-License-Identifier: MIT
 *
 * Of a compositor, what the diffs of docs/migrating-servers.md use.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct wl_client;
struct wl_display;
struct wl_resource;
struct nosigbus_region;

struct mapping {
  struct mapping* next;
  void* data;
  size_t size;
  struct nosigbus_region* region;
  struct wl_resource* pool;
};
extern struct mapping* all_mappings;

struct shm_buffer {
  struct mapping* mapping;
  size_t offset;
  struct mapping* accessed;
  uint64_t begun;
};

void install_sigbus_handler(struct mapping* mapping);
void remove_sigbus_handler(struct mapping* mapping);
void post_invalid_fd(struct wl_resource* pool, const char* message);
void upload_texture(const void* pixels, int32_t width, int32_t height, int32_t stride, uint32_t format);
