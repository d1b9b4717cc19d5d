/* SPDX-License-Identifier: MIT
 *
 * What happens to regions, for a program's event loop: one descriptor to poll, one function to call.
 *
 *   int fd = nosigbus_event_fd();            // add it to poll(2), epoll(7), wl_event_loop, sd-event, GLib
 * ...
 *   ...
 *   if (readable(fd)) nosigbus_dispatch(on_event, server);
 *
 * There is an event when a fault was absorbed in a region; and when the size of a region's file changed,
 * before anybody touches the memory, where the region has a descriptor of the file and the kernel can watch
 * it (inotify(7)). Events coalesce: a region has one at most, which carries all that happened since the last
 * one, so none is ever lost, and a client that truncates its file a million times costs no more than one that
 * does it once.
 */
#ifndef NOSIGBUS_EVENTS_H
#define NOSIGBUS_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include <nosigbus/abi.h>
#include <nosigbus/fault.h>
#include <nosigbus/region.h>

NOSIGBUS_BEGIN_DECLS

/* Bits of nosigbus_event.what. */

/* Faults were absorbed. */
#define NOSIGBUS_EVENT_FAULT 0x1u
/* The file became shorter, longer. Where both happened between two calls of nosigbus_dispatch, what counts is
 * its size in the end. */
#define NOSIGBUS_EVENT_SHRUNK 0x2u
#define NOSIGBUS_EVENT_GREW 0x4u

/* What happened to one region since its last event. */
struct nosigbus_event {
  /* The region; never one that was released. */
  struct nosigbus_region* region;
  /* Offset in the region of the first byte that is missing; where all has been healed in the meantime, of the
   * first that ever was. UINT64_MAX: none. */
  uint64_t offset;
  /* Faults absorbed in the region since it began: tells a client that does it all the time. */
  uint64_t count;
  /* Why bytes are missing; NOSIGBUS_NONE where none are, or only seem to be by the file's size. */
  enum nosigbus_cause cause;
  /* NOSIGBUS_EVENT_* */
  unsigned what;
  /* Size of the file in bytes now, UINT64_MAX where unknown. */
  uint64_t file_size;
  /* The call chain of one of the faults since the last event, mostly the first: code addresses, chain[0] that
   * of the faulting instruction, each further one where its callee returns to, or one behind the beginning of
   * an instruction that a signal interrupted; so less one lies in the calling instruction. Length 0 where
   * there was no fault or nothing collects chains (<nosigbus/backtrace.h>). The chain lives as long as the
   * call. */
  const uintptr_t* chain;
  size_t chain_length;
};

/* The descriptor that is readable (POLLIN) while there are events, and now and then when there are none. The
 * first call makes it, and watches the files of the regions that there are and will be; faults absorbed
 * before it count as well.
 *
 * Returns the descriptor, the same one at each call; -EMFILE, -ENFILE, -ENOMEM. It belongs to the library: do
 * nothing with it but poll. It is not inherited across exec. A child of fork has none, and no events, until
 * it calls this function itself. Thread-safe, not async-signal-safe. */
NOSIGBUS_API int nosigbus_event_fd(void) NOSIGBUS_NOEXCEPT;

/* Calls callback(event, user) for each region to which something happened since the last time. The event
 * lives as long as the call. The callback may do anything, such as refresh or release this region or others;
 * it returns 0 to go on. With anything else, dispatch returns, and what is left comes at the next call (the
 * descriptor stays readable). There are no events of released regions: release a region on the thread that
 * dispatches, or keep the two from running at once, and callbacks never see one. Waits for nothing but the
 * file systems of regions' files, which it asks for their sizes (fstat(2)): one that does not answer, as FUSE
 * can, keeps it waiting.
 *
 * Returns the number of events delivered; -EINVAL: callback NULL; -EBADF: somebody closed the library's
 * descriptors (nosigbus_event_fd makes new ones); or what fstat(2) fails with where a system call filter
 * refuses it. Thread-safe, not async-signal-safe. */
NOSIGBUS_API int nosigbus_dispatch(int (*callback)(const struct nosigbus_event* event, void* user),
                                   void* user) NOSIGBUS_NOEXCEPT;

/* Has call chains collected from now on, for the events of faults; nosigbus_backtrace_enable
 * (<nosigbus/backtrace.h>) does it with a function that goes by unwind information.
 *
 * collect(ucontext, chain, most): writes at most `most` code addresses to chain and returns how many. It is
 *   called inside the signal handler, with all signals blocked and a lock of the region held: it must be
 *   async-signal-safe, must not fault and must not touch a region. The library keeps the chains of 256
 * regions at once; further events have none until some have been dispatched. NULL: no chains from now on; a
 * call that is under way on another thread still comes to its end. Returns 0, or -ENOMEM. Thread-safe, not
 * async-signal-safe. */
NOSIGBUS_API int nosigbus_collect_chains(size_t (*collect)(void* ucontext, uintptr_t* chain,
                                                           size_t most)) NOSIGBUS_NOEXCEPT;

NOSIGBUS_END_DECLS

#endif
