// SPDX-License-Identifier: MIT
//
// A module for weston: the pointer that its headless backend does not have, in the middle of the screen.
// SIGUSR1 presses its button for a while. libweston exports these functions for backends, and packages no
// header of them.
#include <libweston/libweston.h>
#include <linux/input-event-codes.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

void weston_seat_init(struct weston_seat* seat, struct weston_compositor* compositor, const char* name);
int weston_seat_init_pointer(struct weston_seat* seat);
void notify_motion_absolute(struct weston_seat* seat, const struct timespec* time, double x, double y);
void notify_button(struct weston_seat* seat, const struct timespec* time, int32_t button,
                   enum wl_pointer_button_state state);
void notify_pointer_frame(struct weston_seat* seat);
WL_EXPORT int wet_module_init(struct weston_compositor* compositor, int* argc, char* argv[]);

enum { press_milliseconds = 300 };

struct test_seat {
  struct weston_seat seat;
  struct wl_event_source* release;
};

static void set_button(struct test_seat* self, enum wl_pointer_button_state state) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  notify_button(&self->seat, &now, BTN_LEFT, state);
  notify_pointer_frame(&self->seat);
}

static int release_button(void* self) {
  set_button(self, WL_POINTER_BUTTON_STATE_RELEASED);
  return 0;
}

static int press_button(int signo, void* data) {
  struct test_seat* self = data;
  (void)signo;
  set_button(self, WL_POINTER_BUTTON_STATE_PRESSED);
  wl_event_source_timer_update(self->release, press_milliseconds);
  return 0;
}

// The screen is there once the shell has started.
static void move_to_middle(void* data) {
  struct test_seat* self = data;
  struct timespec now;
  struct weston_output* output;
  clock_gettime(CLOCK_MONOTONIC, &now);
  wl_list_for_each(output, &self->seat.compositor->output_list, link) {
    notify_motion_absolute(&self->seat, &now, output->width / 2, output->height / 2);
    notify_pointer_frame(&self->seat);
  }
}

// Lives as long as weston does.
int wet_module_init(struct weston_compositor* compositor, int* argc, char* argv[]) {
  struct wl_event_loop* loop = wl_display_get_event_loop(compositor->wl_display);
  struct test_seat* self = calloc(1, sizeof *self);
  (void)argc;
  (void)argv;
  if (self == NULL) return -1;
  weston_seat_init(&self->seat, compositor, "default");
  weston_seat_init_pointer(&self->seat);
  self->release = wl_event_loop_add_timer(loop, release_button, self);
  wl_event_loop_add_signal(loop, SIGUSR1, press_button, self);
  wl_event_loop_add_idle(loop, move_to_middle, self);
  return 0;
}
