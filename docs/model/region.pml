/* SPDX-License-Identifier: MIT
 *
 * Regions that come and go under threads that fault: docs/protocol.md as a model for spin.
 * scripts/check-model runs it, as it is and with each mutation.
 *
 * Two ranges of addresses of one page each, two descriptors, one file. Two threads access a range and run
 * the handler where they fault. A program maps, adopts, refreshes and releases regions, and gives released
 * memory to a stranger. The other side truncates the file and lets it grow, in two steps as the kernel does.
 * Anything may happen at any time: also what the caller must not do (release while a thread uses the memory)
 * does no harm to a stranger.
 *
 * spin interleaves whole steps. The machine is weaker: a store can become visible after a later load has
 * been done. Where the protocol depends on that order, the store goes through a buffer here (entering,
 * hiding), which another process empties at any time, and which a sequentially consistent operation waits
 * for.
 *
 * Properties, by assertion: zeros are mapped over nothing but the range of the region that the handler has
 * found (no stranger's memory, no other region's, no free descriptor's); a fault that repeats has a cause
 * that came after its cure; the books know every overlay. And no process waits for ever: release ends.
 *
 * Mutations, each of which breaks one of them:
 *   WEAK_ENTER           a visitor's second look does not wait until its entering is visible
 *   WEAK_HIDE            release looks for visitors before all see that the region is hidden
 *   WEAK_LEAVE           a visitor has left before what it did is done
 *   NO_SECOND_LOOK       a visitor does not look again once it has entered
 *   NO_WAIT              release does not wait for visitors
 *   WAIT_UNCONDITIONAL   release goes to sleep without comparing the count
 *   WAKE_NOBODY          the last visitor wakes nobody
 *   FAILED_ADOPT_GIVES   a failed adopt gives its descriptor back without waiting
 *   NO_LOCK              handlers and refresh change overlays without the lock
 *   TRUST_BOOKS          an access to an overlaid page is resumed without asking the kernel
 *   LOST_STAYS           an overlaid page that cannot be accessed is not mapped again
 *   TRUST_SIZE           an access to a page that the file's size covers is resumed, whatever the page says
 */

#define RANGES 2
#define DESCRIPTORS 2
#define THREADS 2
#define ACCESSES 1                   /* of each thread; each faults as often as it does */
#define ROUNDS 3                     /* of the program: what it does to a region, to memory */
#define CHANGES 2                    /* of the file by the other side */
#define NONE 7

mtype = { nothing, file, zeros, stranger };

mtype memory[RANGES] = file;         /* what is mapped there */
bool present[RANGES];                /* the file's page is in the page tables */
bool long_enough = true;             /* the file's size covers the page */
bool bad = false;                    /* and yet the page cannot be had: an I/O error */

byte owner[RANGES] = NONE;           /* the registry's slots */

byte base[DESCRIPTORS];              /* written by begin_place */
bool overlaid[DESCRIPTORS];          /* the books */
bool locked[DESCRIPTORS];
byte visitors[DESCRIPTORS];          /* visitor_count: the count, and its bit */
bool awaited[DESCRIPTORS];
bool asleep[DESCRIPTORS];            /* in futex_wait, of release */
bool is_free[DESCRIPTORS] = true;

byte entering[THREADS] = NONE;       /* store buffer: a descriptor whose count is to go up */
byte hiding = NONE;                  /* store buffer: a range whose slot is to be empty */

/* Of the proof, not of the program. */
byte region_of[DESCRIPTORS];         /* which region the descriptor has been, counted */
bool changed[THREADS];               /* something that a page's state depends on has, since the last cure */

inline something_changed() { changed[0] = true; changed[1] = true }

active proctype store_buffers() {
end:
  do
  :: atomic { entering[0] != NONE -> visitors[entering[0]]++; entering[0] = NONE }
  :: atomic { entering[1] != NONE -> visitors[entering[1]]++; entering[1] = NONE }
  :: atomic { hiding != NONE -> owner[hiding] = NONE; hiding = NONE }
  od
}

/* futex_lock, of which no more than its effect: its holder ends, with all signals blocked. */
inline lock(d) {
#ifndef NO_LOCK
  atomic { !locked[d] -> locked[d] = true }
#else
  skip
#endif
}
inline unlock(d) { locked[d] = false }

/* --- The handler: visited_region, repair_locked. ------------------------------------------------ */

inline enter(t, d) {
  entering[t] = d;
#ifndef WEAK_ENTER
  (entering[t] == NONE)
#endif
}
/* In program order with entering: the same word. */
inline leave(t, d) {
  atomic {
    (entering[t] == NONE);
    assert(visitors[d] > 0);
    if
#ifndef WAKE_NOBODY
    :: awaited[d] && visitors[d] == 1 -> asleep[d] = false
#endif
    :: else
    fi;
    visitors[d]--
  }
}

/* MADV_POPULATE_READ brings in what it finds. */
inline ask(at, answer) {
  d_step {
    if
    :: memory[at] == file -> present[at] = present[at] || (long_enough && !bad); answer = present[at]
    :: memory[at] == nothing -> answer = false
    :: else -> answer = true
    fi
  }
}
inline cured(t) { changed[t] = false }

proctype thread(byte t) {
  byte at, found, again, id;
  bool good, resumed;
  byte accesses = 0;
  do
  :: accesses < ACCESSES ->
     accesses++;
     if :: at = 0 :: at = 1 fi;
access:
     atomic {
       if
       :: memory[at] == file && !present[at] && !(long_enough && !bad) ->
          assert(!resumed || changed[t]) /* else it would repeat for ever */
       :: else -> goto next              /* done; where nothing is mapped, SIGSEGV, which is not ours */
       fi;
       found = owner[at]
     }
     /* visited_region */
     do
     :: found == NONE -> goto next       /* nobody's: declined */
     :: else ->
        enter(t, found);
#ifndef NO_SECOND_LOOK
        atomic { again = owner[at]; id = region_of[found] }
        if
        :: again == found -> break
        :: else -> leave(t, found); found = again
        fi
#else
        id = region_of[found];
        break
#endif
     od;
     lock(found);
     /* repair_locked: another thread was faster? */
     atomic {
       if
#ifdef TRUST_BOOKS
       :: overlaid[found] -> cured(t); goto resume
#else
       :: overlaid[found] -> ask(at, good); if :: good -> cured(t); goto resume :: else fi
#endif
       :: else
       fi
     }
     /* decide: looks at the page and at the file's reach, as a coin says; in the second case all agree */
     do
     :: !long_enough -> break
     :: long_enough && bad -> goto declined
#ifdef TRUST_SIZE
     :: long_enough -> atomic { cured(t); goto resume }
#else
     :: atomic { ask(at, good); if :: good -> cured(t); goto resume :: else fi }
#endif
     od;
#ifdef WEAK_LEAVE
     unlock(found);
     leave(t, found);
     goto map;
#endif
map:
     /* overlay */
     atomic {
       assert(region_of[found] == id && !is_free[found]);
       assert(memory[base[found]] == file || memory[base[found]] == zeros);
       if
#ifdef LOST_STAYS
       :: overlaid[found] -> skip
#endif
       :: else -> memory[base[found]] = zeros
       fi;
       cured(t)
     }
     atomic { assert(region_of[found] == id); overlaid[found] = true }
#ifdef WEAK_LEAVE
     goto resumed_now;
#endif
resume:
     unlock(found);
     leave(t, found);
resumed_now:
     resumed = true;
     goto access;
declined:
     unlock(found);
     leave(t, found);
next:
     /* fewer states */
     atomic { at = 0; found = 0; again = 0; id = 0; good = false; resumed = false; cured(t) }
  :: else -> break
  od
}

/* --- The program: begin_place, end_place, refresh. -------------------------------------------- */

inline hide(at) {
  hiding = at;
#ifndef WEAK_HIDE
  (hiding == NONE)
#endif
}

inline wait_until_none(d) {
#ifndef NO_WAIT
  if
  :: visitors[d] == 0
  :: else ->
     atomic { awaited[d] = true; count = visitors[d] }
     do
     :: count == 0 -> break
     :: else ->
        atomic {
          if
#ifdef WAIT_UNCONDITIONAL
          :: asleep[d] = true
#else
          :: visitors[d] == count -> asleep[d] = true
          :: else
#endif
          fi
        }
        !asleep[d];
        count = visitors[d]
     od;
     awaited[d] = false
  fi
#else
  skip
#endif
}

/* A free descriptor: the last that was given back, or any. Its fields are written before it is visible. */
inline take(d, at) {
  atomic {
    if
    :: is_free[0] -> d = 0
    :: is_free[1] -> d = 1
    fi;
    is_free[d] = false;
    region_of[d]++;
    base[d] = at;
    overlaid[d] = false
  }
}
inline end_visits_and_give(d) {
  wait_until_none(d);
  lock(d); overlaid[d] = false; unlock(d);
  is_free[d] = true
}

/* One after the other: what concerns one region is the caller's to order, and concurrency with handlers is
 * what there is to show. */
active proctype program() {
  byte at, d, count;
  byte rounds = 0;
  do
  :: rounds < ROUNDS ->
     rounds++;
     if :: at = 0 :: at = 1 fi;
     (hiding == NONE); /* coherence: stores to one word stay in order */
     if
     :: owner[at] == NONE && (memory[at] == nothing || memory[at] == file) ->
        /* nosigbus_map, nosigbus_adopt */
        take(d, at);
        if
        :: memory[at] == nothing -> atomic { memory[at] = file; present[at] = false; something_changed() }
        :: else
        fi;
        owner[at] = d
     :: owner[at] == NONE && memory[at] == file && owner[1 - at] != NONE ->
        /* nosigbus_adopt of both ranges, of which another region has one: it claims, and finds out */
        take(d, at);
        owner[at] = d;
        hide(at);
#ifdef FAILED_ADOPT_GIVES
        is_free[d] = true
#else
        end_visits_and_give(d)
#endif
     :: owner[at] == NONE && memory[at] != nothing ->
        /* munmap; or somebody's memory comes and goes */
        atomic { memory[at] = nothing; present[at] = false; something_changed() }
     :: owner[at] == NONE && memory[at] == nothing -> memory[at] = stranger
     :: owner[at] != NONE ->
        /* nosigbus_region_release of one that was mapped, or of one that was adopted; the memory that the
         * first gives back is somebody else's at once */
        d = owner[at];
        hide(at);
#ifndef NO_WAIT
        wait_until_none(d);
#endif
        if
        :: atomic { memory[at] = stranger; present[at] = false; something_changed() }
        :: skip
        fi;
        lock(d); overlaid[d] = false; unlock(d);
        is_free[d] = true
     :: owner[at] != NONE ->
        /* nosigbus_region_refresh */
        d = owner[at];
        lock(d);
        assert(overlaid[d] || memory[at] != zeros); /* no overlay that the books do not know */
        if
        :: overlaid[d] && long_enough ->
           atomic { memory[at] = file; present[at] = false; something_changed() }
           overlaid[d] = false
        :: else
        fi;
        unlock(d)
     :: owner[at] != NONE && overlaid[owner[at]] ->
        /* A file is mapped over the overlay, by somebody who knows nothing of it. */
        atomic { memory[at] = file; present[at] = false; something_changed() }
     fi;
     atomic { at = 0; d = 0; count = 0 }
  :: else -> break
  od
}

/* ftruncate sets the size first, and takes the pages out of the mappings then. */
active proctype other_side() {
  byte changes = 0;
  do
  :: changes < CHANGES ->
     changes++;
     if
     :: long_enough ->
        atomic { long_enough = false; something_changed() }
        atomic { present[0] = false; present[1] = false; something_changed() }
     :: !long_enough -> long_enough = true
     :: !bad -> atomic { bad = true; present[0] = false; present[1] = false; something_changed() }
     fi
  :: else -> break
  od
}

init {
  atomic {
    memory[0] = nothing;
    run thread(0);
    run thread(1)
  }
}
