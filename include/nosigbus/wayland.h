/* SPDX-License-Identifier: MIT
 *
 * Guarded views of wl_shm buffers, for display servers on libwayland-server. A library of its own:
 * nosigbus::wayland, nosigbus-wayland for pkg-config.
 *
 * A view is a mapping of a buffer's memory that is the server's own. Any code may read it, on any thread and
 * as many of them at once as there are, without begin_access and end_access; where the client has cut off its
 * file, it reads zeros. It lives until nobody has a reference to it, also when the buffer, its pool and the
 * client are gone.
 *
 *   nosigbus_install(0);                                     // before the first read
 *   nosigbus_wl_watch(display, NULL, 0, NULL);               // who cuts off its file is disconnected
 * ...
 *   struct nosigbus_wl_view* view;                           // at wl_surface.commit, say
 *   if (nosigbus_wl_view_get(&view, buffer_resource, 0) == 0) {
 *     upload(nosigbus_wl_view_data(view), nosigbus_wl_view_stride(view));   // here, or on another thread
 *     nosigbus_wl_view_unref(view);                            // when done, on any thread
 *   }
 * ...
 *
 * "Main thread" is the one that runs the display's event loop, as libwayland-server is not thread-safe; with
 * several displays it is the same thread for all that are watched. The caller calls nosigbus_install;
 * nosigbus_check tells whether SIGBUS is still in its hands: the first bracket of all takes it away, after
 * which nosigbus_rearm is due. Nothing here is async-signal-safe but where it is said. Pointers to views are
 * never NULL but where it is said.
 */
#ifndef NOSIGBUS_WAYLAND_H
#define NOSIGBUS_WAYLAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nosigbus/abi.h>
#include <nosigbus/events.h>
#include <nosigbus/fault.h>
#include <nosigbus/region.h>

struct wl_client;
struct wl_display;
struct wl_resource;

NOSIGBUS_BEGIN_DECLS

/* A view: opaque, counted by references. */
struct nosigbus_wl_view;

/* Flag of nosigbus_wl_view_get: the view can be written, for screen capture. What is written where the file
 * is missing is discarded. Without it a write to the view is SIGSEGV. */
#define NOSIGBUS_WL_WRITE 0x1u

/* Gives the view of a wl_buffer's memory. It is made by the first call, and is the same for each further one
 * while the wl_buffer lives; with NOSIGBUS_WL_WRITE it is another one. The wl_buffer keeps a reference of its
 * own, so that buffers that are used in turn keep their views; of a client with more than 1024, those that
 * were asked for last; to views of the others it is as if their wl_buffers had gone. End of file, I/O errors
 * (a full tmpfs behind a hole is one) and poisoned memory are absorbed. A fault that finds the map limit
 * reached is not, and kills (docs/wayland.md).
 *
 * out: receives the view, with a reference for the caller; untouched on error. buffer: the resource. flags:
 *   above.
 * Returns 0; -EINVAL: out or buffer NULL, unknown flags, or no buffer of libwayland's wl_shm; -ENOTSUP:
 *   memory of which the kernel makes no second mapping: huge pages (MFD_HUGETLB), device memory, and pools
 *   that libwayland's brackets have replaced by zeros. It cannot be guarded: post WL_SHM_ERROR_INVALID_FD to
 *   the client; -ENOMEM: no memory, no address space or map limit reached. Main thread. */
NOSIGBUS_API int nosigbus_wl_view_get(struct nosigbus_wl_view** out, struct wl_resource* buffer,
                                      unsigned flags) NOSIGBUS_NOEXCEPT;

/* One more reference, one less. The last one ends the view and unmaps its memory. ref returns the view; unref
 * takes NULL, too. Any thread. */
NOSIGBUS_API struct nosigbus_wl_view* nosigbus_wl_view_ref(struct nosigbus_wl_view* view) NOSIGBUS_NOEXCEPT;
NOSIGBUS_API void nosigbus_wl_view_unref(struct nosigbus_wl_view* view) NOSIGBUS_NOEXCEPT;

/* What wl_shm_buffer_get_data gives, guarded: the first pixel. It never moves, also when the pool is resized.
 * Any thread, async-signal-safe. */
NOSIGBUS_API void* nosigbus_wl_view_data(const struct nosigbus_wl_view* view) NOSIGBUS_NOEXCEPT;

/* Bytes of the view from its data on: stride * height. Any thread, async-signal-safe. */
NOSIGBUS_API size_t nosigbus_wl_view_size(const struct nosigbus_wl_view* view) NOSIGBUS_NOEXCEPT;

/* What wl_shm_buffer_get_* give: pixels, pixels, bytes, enum wl_shm_format. All are positive. libwayland does
 * not compare width pixels of the format with the stride, which is the caller's to do: rows that are longer
 * than it reach beyond the view. Any thread, async-signal-safe. */
NOSIGBUS_API int32_t nosigbus_wl_view_width(const struct nosigbus_wl_view* view) NOSIGBUS_NOEXCEPT;
NOSIGBUS_API int32_t nosigbus_wl_view_height(const struct nosigbus_wl_view* view) NOSIGBUS_NOEXCEPT;
NOSIGBUS_API int32_t nosigbus_wl_view_stride(const struct nosigbus_wl_view* view) NOSIGBUS_NOEXCEPT;
NOSIGBUS_API uint32_t nosigbus_wl_view_format(const struct nosigbus_wl_view* view) NOSIGBUS_NOEXCEPT;

/* The region that guards the view, for its status, for brackets (<nosigbus/bracket.h>: was all of it the
 * client's?), and to prefault it before a system call. It begins at the page in which the data begins. Not to
 * be released or resized, and its user data is not the caller's. Lives as long as the view. Any thread. */
NOSIGBUS_API struct nosigbus_region* nosigbus_wl_view_region(const struct nosigbus_wl_view* view)
    NOSIGBUS_NOEXCEPT;

/* The client whose memory it is; NULL when it has gone. Main thread. */
NOSIGBUS_API struct wl_client* nosigbus_wl_view_client(const struct nosigbus_wl_view* view) NOSIGBUS_NOEXCEPT;

/* What is known of a view in which faults were absorbed. */
struct nosigbus_wl_damage {
  /* Lives as long as the call, unless the callee takes a reference. */
  struct nosigbus_wl_view* view;
  /* Whose view it is. */
  struct wl_client* client;
  /* The wl_buffer; NULL when it has been destroyed meanwhile. */
  struct wl_resource* buffer;
  /* Bytes from the view's data on to the page where it begins to be missing; UINT64_MAX when it is whole
   * again. */
  uint64_t offset;
  /* Faults absorbed in the view since it was made. */
  uint64_t count;
  /* NOSIGBUS_NONE when it is whole again. */
  enum nosigbus_cause cause;
};

/* Who is asked and told by a watch. */
struct nosigbus_wl_watcher {
  /* Returns whether to disconnect the client. It is asked once for all views of a client that is to be
   * disconnected, and once each time faults were absorbed in a view of a client that is let live. NULL:
   * always disconnect. It may do anything but end the watch or the display. */
  bool (*damaged)(const struct nosigbus_wl_damage* damage, void* user);
  /* Takes the events of the program's other regions, as the callback of nosigbus_dispatch; what it returns is
   * not looked at, and it may not end the watch or the display either. NULL: they are dropped. */
  int (*other)(const struct nosigbus_event* event, void* user);
};

/* Watches views from the display's event loop. After faults in a view, its client is disconnected as by
 * wl_shm_buffer_end_access: WL_SHM_ERROR_INVALID_FD, "error accessing SHM buffer", on the wl_buffer; when
 * that has gone, on a wl_shm_pool or wl_shm that the client still has, or WL_DISPLAY_ERROR_IMPLEMENTATION.
 * Faults are told also of views that have gone since. Where `damaged` lets the client live,
 * wl_shm_pool.resize heals its views, those of wl_buffers that live, before the request is carried out: what
 * the file has again is seen again. (64 damaged ones at once, more of them soon after, each that is
 * asked for by nosigbus_wl_view_get before that.)
 *
 * The events of the process (<nosigbus/events.h>) go to the watches: the program does not call
 * nosigbus_dispatch itself, but has the watch hand on what is not of views.
 *
 * watcher: copied; NULL: all clients are disconnected, other events are dropped. size: sizeof(struct
 *   nosigbus_wl_watcher) as the caller knows it, in bytes. user: handed to both callbacks.
 * Returns 0; -EINVAL: display NULL; -EEXIST: it is watched; -E2BIG: the library does not know some of what is
 *   set in *watcher; -ENOMEM, or what nosigbus_event_fd returns. Main thread. The watch ends with the
 * display. */
NOSIGBUS_API int nosigbus_wl_watch(struct wl_display* display, const struct nosigbus_wl_watcher* watcher,
                                   size_t size, void* user) NOSIGBUS_NOEXCEPT;

/* Ends the watch before the display does. Returns 0, or -ENOENT: there is none. Main thread. */
NOSIGBUS_API int nosigbus_wl_unwatch(struct wl_display* display) NOSIGBUS_NOEXCEPT;

NOSIGBUS_END_DECLS

#endif
