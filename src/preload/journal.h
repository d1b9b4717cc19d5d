// SPDX-License-Identifier: MIT
//
// The journal: where the drop-in writes down what it absorbed, and nosigbus-run reads it. A file in memory
// that nosigbus-run makes and all processes that it started map, so that nothing has to be sent, no
// descriptor is kept, and what a process wrote outlives it, however it ends.
//
// A record is one mapping of one process. Its place follows from the two (open addressing), is claimed by
// compare-and-swap, and is never given up. Counters are relaxed: each stands for itself.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <atomic>

namespace nosigbus::preload {

struct journal_record {
  enum state : uint32_t { unused, claimed, complete };
  static constexpr size_t most_callers = 48;

  // Claimed by a writer, then complete (release; acquire in readers): what follows is there.
  std::atomic<uint32_t> state;
  // --- Constant once complete.
  int32_t pid;
  uint64_t address, size;   // of the mapping, bytes
  uint64_t device, inode;   // of its file
  uint64_t first_bad;       // offset in the mapping of the first missing page, as of the first fault
  uint64_t time;            // of the first fault, ns since the epoch
  int32_t tid;              // of the first fault
  uint32_t cause;           // nosigbus_cause of the first fault
  uint32_t access;          // nosigbus_access of the first fault
  uint32_t kind;            // file_kind
  uint32_t guarded;         // 0: not in scope
  uint32_t callers_length;  // of the first fault, if they were asked for
  uint64_t callers[most_callers];
  char program[16];  // as prctl(PR_GET_NAME) has it
  char name[256];    // of the file, as /proc/PID/maps shows it, cut off at the end
  // --- Counted by the process.
  std::atomic<uint64_t> faults;
  std::atomic<uint64_t> zeros;    // of them: resumed with zeros by us
  std::atomic<uint64_t> handler;  // of them: the program's handler was called first
  std::atomic<uint64_t> cured;    // of them: and made the page readable, or went on elsewhere
  std::atomic<uint64_t> passed;   // of them: not absorbed
  std::atomic<uint64_t> healed;   // times that all of it came back
  std::atomic<uint64_t> gone;     // times that it was unmapped or changed while it was overlaid
  // Now: overlaid or not; gone: not, and it has not come back.
  static constexpr uint32_t whole_now = 0, damaged_now = 1, gone_now = 2;
  std::atomic<uint32_t> damaged;
  // --- Of the reader: 1 when it knows what code the callers are, which takes the process alive. A futex for
  // the
  //     thread that has counted the first fault (shared between processes).
  std::atomic<uint32_t> named;
};

struct journal {
  static constexpr uint64_t magic_value = 0x324c'4e52'4a42'534e;  // "NSBJRNL2"
  static constexpr uint32_t capacity = 4096;
  static constexpr uint32_t most_probes = 16;

  uint64_t magic;
  std::atomic<uint32_t> attached;  // processes that have it
  std::atomic<uint32_t> lost;      // faults for which there was no record
  // Goes up with every change; a futex for whoever waits for one (shared between processes).
  std::atomic<uint32_t> news;
  std::atomic<uint32_t> watched;  // 1: somebody waits
  // Goes up before a record is complete. While it is 0, a reader leaves the records' pages alone, which would
  // only come into being for it.
  std::atomic<uint32_t> claimed;
  journal_record records[capacity];

  // Where to look for a record, from here on upwards.
  static uint32_t place(uint64_t address, int32_t pid) {
    const uint64_t mixed = (address >> 12 ^ uint64_t{static_cast<uint32_t>(pid)} << 40) * 0x9e3779b97f4a7c15;
    return static_cast<uint32_t>(mixed >> 40) % capacity;
  }
};

}  // namespace nosigbus::preload
