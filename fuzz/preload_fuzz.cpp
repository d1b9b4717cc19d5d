// SPDX-License-Identifier: MIT
//
// A random program of calls that the drop-in stands in front of, with it and without it: calls return the
// same, memory holds the same, and the end is the same.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "preload/exchange.h"
#include "support/check.h"
#include "support/child.h"
#include "support/features.h"

namespace {

using namespace fuzz;

// One of the two that are compared, as long as this process lives.
class other_side {
 public:
  explicit other_side(bool drop_in) {
    const int file = memfd_create("exchange", MFD_CLOEXEC);
    FUZZ_CHECK(file >= 0 && ftruncate(file, sizeof(exchange)) == 0);
    void* const memory = mmap(nullptr, sizeof(exchange), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    FUZZ_CHECK(memory != MAP_FAILED);
    shared_ = static_cast<exchange*>(memory);
    int ends[2];
    FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    const pid_t child = fork();
    FUZZ_CHECK(child >= 0);
    if (child == 0) start(drop_in, file, ends[1]);
    close(file);
    close(ends[1]);
    socket_ = ends[0];
  }

  const exchange& run(const uint8_t* data, size_t size) {
    shared_->size = std::min(size, exchange::most_input);
    memcpy(shared_->input, data, shared_->size);
    char turn = 0;
    FUZZ_CHECK(uninterrupted([&] { return write(socket_, &turn, 1); }) == 1);
    FUZZ_CHECK(uninterrupted([&] { return read(socket_, &turn, 1); }) == 1);
    return *shared_;
  }

 private:
  [[noreturn]] static void start(bool drop_in, int file, int socket) {
    dup2(file, exchange_memory);
    dup2(socket, exchange_socket);
    // The dynamic loader would go on without it.
    if (access(FUZZ_PRELOAD, R_OK) != 0) _exit(126);
    if (drop_in) setenv("LD_PRELOAD", FUZZ_PRELOAD, 1);
    execl(FUZZ_PROGRAM, FUZZ_PROGRAM, drop_in ? nullptr : without_drop_in, nullptr);
    _exit(127);
  }

  exchange* shared_;
  int socket_;
};

void tell(const char* name, const exchange& of, size_t around) {
  std::fprintf(stderr, "%-8s status %#x, %zu entries;", name, static_cast<unsigned>(of.status), of.entries);
  for (size_t i = around < 8 ? 0 : around - 8; i < std::min(around + 4, of.entries); ++i) {
    std::fprintf(stderr, "%s%#lx", i == around ? "  -> " : " ", of.log[i]);
  }
  std::fprintf(stderr, "\n");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static other_side g_plain(false), g_guarded(true);
  reached(0);
  const exchange &wanted = g_plain.run(data, size), &found = g_guarded.run(data, size);
  const size_t count = std::min(wanted.entries, found.entries);
  const size_t same =
      static_cast<size_t>(std::mismatch(found.log, found.log + count, wanted.log).first - found.log);
  if (same != count || wanted.entries != found.entries || wanted.status != found.status) {
    tell("plain:", wanted, same);
    tell("drop-in:", found, same);
    FUZZ_CHECK(!"the drop-in is noticed");
  }
  for (size_t i = 2; i < count; ++i) {
    const bool address = wanted.log[i] >> 32 != 0 && wanted.log[i] != UINT64_MAX;
    reached(30, address ? 1 : wanted.log[i] % 512, wanted.log[i - 1] == UINT64_MAX, wanted.log[i - 2] % 16);
  }
  reached(31, wanted.status);
  return 0;
}
