/* SPDX-License-Identifier: MIT
 *
 * How ordinary context learns of the faults that handlers absorb: the queue of docs/protocol-events.md, as a model
 * for spin. scripts/check-model runs it, as it is and with each mutation.
 *
 * Handlers count a fault in its region, put the region's descriptor on a list unless it is there, and write
 * a byte to a pipe that does not block. dispatch, of which one runs at a time, empties the pipe, takes the
 * whole list, and reports each region on it whose count is not the one reported last. Who dispatches waits
 * for the pipe, or calls at some other time.
 *
 * Stores that could become visible after a later load or exchange go through a buffer, as in region.pml: the
 * count, and the mark that dispatch takes away. An exchange that releases, and one that is an exchange and
 * not a store, wait until it is empty.
 *
 * Property: when all is quiet, every fault has been reported or the pipe is readable. By assertion besides:
 * a descriptor is on the list once at the most.
 *
 * Mutations, each of which breaks it:
 *   CLEAR_LATE           dispatch takes the mark away after it has read the count
 *   DRAIN_LATE           dispatch empties the pipe after it has taken the list
 *   NEXT_LATE            dispatch follows a descriptor's link after it has taken its mark away
 *   WEAK_CLEAR           the mark goes by a plain store, which the count may be read before
 *   COUNT_LATE           a handler counts after it has found the descriptor marked
 *   WEAK_COUNT           a handler's count may become visible after its exchange of the mark
 *   WRITE_EARLY          a handler writes its byte before the descriptor is on the list
 *   PUSH_BLINDLY         a handler sets the head of the list without comparing it
 */

#define DESCRIPTORS 2
#define HANDLERS 2
#define FAULTS 2                   /* of each handler */
#define CAPACITY 2                 /* of the pipe, in bytes */
#define UNASKED 1                  /* calls of dispatch that nothing in the pipe asks for */
#define NONE 7

byte count[DESCRIPTORS];
byte reported[DESCRIPTORS];
bool queued[DESCRIPTORS];
byte next[DESCRIPTORS] = NONE;
byte head = NONE;
byte bytes;                        /* in the pipe */

byte counting[HANDLERS] = NONE;    /* store buffer: a descriptor whose count is to go up */
byte clearing = NONE;              /* store buffer: a descriptor whose mark is to go */

byte handlers_at_work = HANDLERS;

active proctype store_buffers() {
end:
  do
  :: atomic { counting[0] != NONE -> count[counting[0]]++; counting[0] = NONE }
  :: atomic { counting[1] != NONE -> count[counting[1]]++; counting[1] = NONE }
  :: atomic { clearing != NONE -> queued[clearing] = false; clearing = NONE }
  od
}

/* --- The handler. ------------------------------------------------------------------------------- */

inline add_one() {
  (counting[h] == NONE);
  counting[h] = d;
#ifndef WEAK_COUNT
  (counting[h] == NONE)
#endif
}
/* A full pipe is readable: nothing is lost. */
inline write_byte() {
  atomic {
    if
    :: bytes < CAPACITY -> bytes++
    :: else
    fi
  }
}
inline push() {
  do
  :: seen = head;
     next[d] = seen;
#ifdef PUSH_BLINDLY
     head = d;
     break
#else
     atomic {
       if
       :: head == seen -> head = d; break
       :: else
       fi
     }
#endif
  od
}

proctype handler(byte h) {
  byte d, seen;
  bool was_queued;
  byte faults = 0;
  do
  :: faults < FAULTS ->
     faults++;
     if :: d = 0 :: d = 1 fi;
#ifndef COUNT_LATE
     add_one();
#endif
     atomic { was_queued = queued[d]; queued[d] = true }
#ifdef COUNT_LATE
     add_one();
#endif
     if
     :: was_queued
     :: else ->
#ifdef WRITE_EARLY
        write_byte();
        push()
#else
        push();
        write_byte()
#endif
     fi;
     atomic { d = 0; seen = 0; was_queued = false } /* fewer states */
  :: else -> break
  od;
  (counting[h] == NONE);
  handlers_at_work--
}

/* --- dispatch. ---------------------------------------------------------------------------------- */

inline take_mark(d) {
  clearing = d;
#ifndef WEAK_CLEAR
  (clearing == NONE)
#endif
}
inline follow() { at = next[d] }

inline dispatch() {
#ifndef DRAIN_LATE
  bytes = 0;
#endif
  atomic { at = head; head = NONE }
#ifdef DRAIN_LATE
  bytes = 0;
#endif
  do
  :: at == NONE -> break
  :: else ->
     d = at;
     (clearing == NONE); /* stores stay in order */
     assert(queued[d]);
#ifndef NEXT_LATE
     follow();
#endif
#ifndef CLEAR_LATE
     take_mark(d);
#endif
     now = count[d];
#ifdef CLEAR_LATE
     take_mark(d);
#endif
#ifdef NEXT_LATE
     follow();
#endif
     if
     :: now != reported[d] -> reported[d] = now
     :: else
     fi
  od
}

active proctype dispatcher() {
  byte d, at, now;
  byte unasked = 0;
  do
  :: bytes > 0 -> dispatch()
  :: unasked < UNASKED -> unasked++; dispatch()
  :: atomic {
       handlers_at_work == 0 && bytes == 0 && clearing == NONE ->
       assert(reported[0] == count[0] && reported[1] == count[1]);
       break
     }
  od
}

init {
  atomic {
    run handler(0);
    run handler(1)
  }
}
