// SPDX-License-Identifier: MIT
//
// What an unmodified program does, in a process that knows nothing of nosigbus: scenarios by name. Each ends
// the process with a message where something is not as it should be.
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

namespace preload_test {

using scenario = void (*)();
inline std::map<std::string, scenario>& scenarios() {
  static std::map<std::string, scenario> all;
  return all;
}
struct registration {
  registration(const char* name, scenario run) { scenarios()[name] = run; }
};

#define SCENARIO(name)                                        \
  static void name();                                         \
  static const registration registration_##name{#name, name}; \
  static void name()

#define EXPECT(condition)                                                      \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
      _exit(99);                                                               \
    }                                                                          \
  } while (false)

inline constexpr size_t page = 4096;
inline constexpr unsigned char filler = 0x5a;

// A file of `pages` pages of filler, mapped.
class mapped_file {
 public:
  enum class where { memory, shm, disk };
  explicit mapped_file(size_t pages, int flags = MAP_SHARED, int prot = PROT_READ | PROT_WRITE,
                       where place = where::memory);
  ~mapped_file() { close(fd_); }
  mapped_file(const mapped_file&) = delete;
  mapped_file& operator=(const mapped_file&) = delete;

  int fd() const { return fd_; }
  volatile unsigned char* data() const { return data_; }
  volatile unsigned char& operator[](size_t offset) const { return data_[offset]; }
  void* address(size_t offset = 0) const { return const_cast<unsigned char*>(data_) + offset; }
  size_t size() const { return size_; }

  void truncate(size_t size) const { EXPECT(ftruncate(fd_, static_cast<off_t>(size)) == 0); }
  // As long as at first, and all of these bytes.
  void grow_back(unsigned char byte) const;

 private:
  int fd_;
  size_t size_;
  volatile unsigned char* data_;
};

// Meets a missing page. Its mapping stays, or goes.
void fault();
void fault_and_unmap();

sigset_t only_sigbus();

bool all_are(const mapped_file& file, size_t begin, size_t end, unsigned char byte);
// Waits for what takes a healer's turn; a machine can be busy.
template <class Condition>
bool eventually(Condition holds) {
  for (int i = 0; i < 5000 && !holds(); ++i) usleep(1000);
  return holds();
}
inline bool becomes(volatile unsigned char& byte, unsigned char value) {
  return eventually([&] { return byte == value; });
}
unsigned count_entries(const char* folder);

}  // namespace preload_test
