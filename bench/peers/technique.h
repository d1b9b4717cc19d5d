// SPDX-License-Identifier: MIT
//
// What a program can do about mapped files that somebody else cuts off: each technique behind one interface.
#pragma once

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "../file.h"

namespace peers {

using bench::page;
using bench::require;

// One file, as a technique reads it.
class reader {
 public:
  reader() = default;
  virtual ~reader() = default;
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;

  // Copies bytes [offset, offset + n) of the file. Returns n; fewer where the technique knows that bytes are
  // missing: how many are good in front of the first of those, or 0 where it does not know how many.
  virtual size_t read(unsigned char* to, size_t offset, size_t n) = 0;
  // Reads a byte of each of these pages, whether it is there or not.
  virtual void touch(const uint32_t* pages, size_t count) = 0;
  // Whether the technique has made known by other means than read's result that bytes were missing.
  virtual bool noticed() const { return false; }
  // The technique's own way to see a file again that has grown back; nothing where there is none, or no need.
  virtual void refresh() {}
  // The file is whole; so that it is read as if it had never been cut off. Not what the technique itself
  // would do.
  virtual void restore() { refresh(); }
};

struct technique {
  // As the tables have it.
  const char* name;
  // The one of ours that does the same for its caller; null of ours.
  const char* ours;
  // For the documentation: what it is here, in a sentence without an end.
  const char* how;
  // Who can read the file where it is mapped.
  const char* reads;
  // fd: is open as long as the reader lives. size: a multiple of 64 KiB, at most 1 GiB.
  std::unique_ptr<reader> (*attach)(int fd, size_t size);
  // What SIGBUS is to do while its readers are used; null: nothing.
  const struct sigaction* (*action)();
  // Makes what is mapped already one more that it knows of; null where it keeps no record of what it reads.
  void (*enroll)(unsigned char* base, size_t size) = nullptr;
  // Forgets all that were enrolled.
  void (*dismiss)() = nullptr;
  bool survives = true;
};

// Ours first.
const std::vector<technique>& all();
const technique& find(const std::string& name);

// While it lives, SIGBUS is the technique's.
class in_force {
 public:
  explicit in_force(const technique& t) {
    struct sigaction none {};
    sigaction(SIGBUS, t.action != nullptr ? t.action() : &none, &before_);
  }
  ~in_force() { sigaction(SIGBUS, &before_, nullptr); }
  in_force(const in_force&) = delete;
  in_force& operator=(const in_force&) = delete;

 private:
  struct sigaction before_;
};

// A handler as the programs that have one install it.
inline struct sigaction action_of(void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  return action;
}

// For faults that are not the handler's: the instruction is repeated, and kills.
inline void kill_at_return() { signal(SIGBUS, SIG_DFL); }

// The file, mapped.
class mapping {
 public:
  mapping(int fd, size_t size) : fd_(fd), size_(size), base_(map(nullptr, 0)) {}
  ~mapping() { munmap(base_, size_); }
  mapping(const mapping&) = delete;
  mapping& operator=(const mapping&) = delete;

  unsigned char* base() const { return base_; }
  size_t size() const { return size_; }
  int fd() const { return fd_; }
  void map_again() const { map(base_, MAP_FIXED); }

 private:
  unsigned char* map(void* at, int flags) const {
    void* const mapped = mmap(at, size_, PROT_READ, MAP_SHARED | flags, fd_, 0);
    require(mapped != MAP_FAILED);
    return static_cast<unsigned char*>(mapped);
  }

  int fd_;
  size_t size_;
  unsigned char* base_;
};

inline void peek_pages(const unsigned char* base, const uint32_t* pages, size_t count) {
  for (size_t i = 0; i < count; ++i) bench::peek(base, pages[i] * page);
}

template <class Reader>
std::unique_ptr<reader> make(int fd, size_t size) {
  return std::make_unique<Reader>(fd, size);
}

// The techniques, by file.
extern const technique safe_read, region, guard;
extern const technique pread_file, process_vm_readv_self, proc_self_mem;
extern const technique sigsetjmp_mask, sigsetjmp_no_mask, overlay_of_pages, overlay_of_mapping, private_copy,
    libwayland, libsigsegv, unguarded;

}  // namespace peers
