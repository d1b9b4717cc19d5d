// SPDX-License-Identifier: MIT
//
// Everything at once: files that are cut off and grow, readers, and threads that map, move, protect and unmap
// what is damaged. NOSIGBUS_STORM_SECONDS, 3 if unset.
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <cstring>
#include <ctime>
#include <random>
#include <thread>
#include <vector>

#include "scenario.h"

using namespace preload_test;

namespace {

constexpr size_t pages = 16;
constexpr unsigned char canary = 0xc3;

std::atomic<bool> g_over{false};

// Whatever is read is the file's or zeros.
void read(const std::array<mapped_file*, 4>& files, unsigned seed) {
  std::minstd_rand random(seed);
  while (!g_over) {
    const mapped_file& file = *files[random() % files.size()];
    const unsigned char byte = file[random() % file.size()];
    EXPECT(byte == filler || byte == 0);
  }
}

void cut_and_grow(const std::array<mapped_file*, 4>& files) {
  std::minstd_rand random(7);
  while (!g_over) {
    const mapped_file& file = *files[random() % files.size()];
    file.truncate(random() % file.size());
    if (random() % 4 == 0) file.grow_back(filler);
    if (random() % 64 == 0) usleep(60'000);  // time to heal
  }
}

void expect_canary(const unsigned char* bytes, size_t size) {
  for (size_t i = 0; i < size; i += 64) EXPECT(bytes[i] == canary);
}

// A mapping of its own of a file that others cut off, changed in all ways while it is read. Anonymous memory
// comes to lie where mappings were.
void change(const std::array<mapped_file*, 4>& files, unsigned seed) {
  std::minstd_rand random(seed);
  const auto touch = [&](const volatile unsigned char* at, size_t size) {
    for (size_t i = random() % page; i < size; i += page * (1 + random() % 4)) {
      EXPECT(at[i] == filler || at[i] == 0);
    }
  };
  while (!g_over) {
    const mapped_file& file = *files[random() % files.size()];
    size_t size = pages * page;
    void* at = mmap(nullptr, size, PROT_READ, random() % 4 == 0 ? MAP_PRIVATE : MAP_SHARED, file.fd(), 0);
    EXPECT(at != MAP_FAILED);
    touch(static_cast<unsigned char*>(at), size);
    if (random() % 2 == 0) {
      at = mremap(at, size, size * 2, MREMAP_MAYMOVE);
      EXPECT(at != MAP_FAILED);
      size *= 2;
      touch(static_cast<unsigned char*>(at), size / 2);
    }
    if (random() % 2 == 0) EXPECT(mprotect(at, size / 2, PROT_READ | PROT_WRITE) == 0);
    touch(static_cast<unsigned char*>(at), size / 2);
    auto* const bytes = static_cast<unsigned char*>(at);
    EXPECT(munmap(bytes + size / 4, size / 4) == 0);
    void* const memory = mmap(nullptr, size / 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(memory != MAP_FAILED);
    memset(memory, canary, size / 4);
    touch(bytes, size / 4);
    if (random() % 16 == 0) usleep(20'000);
    expect_canary(static_cast<unsigned char*>(memory), size / 4);
    EXPECT(munmap(memory, size / 4) == 0);
    // What came to lie in the gap may be another thread's.
    EXPECT(munmap(bytes, size / 4) == 0);
    EXPECT(munmap(bytes + size / 2, size / 2) == 0);
  }
}

void fork_now_and_then(const std::array<mapped_file*, 4>& files) {
  while (!g_over) {
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
      alarm(10);
      for (const mapped_file* file : files) {
        for (size_t i = 0; i < file->size(); i += page) EXPECT((*file)[i] == filler || (*file)[i] == 0);
      }
      _exit(0);
    }
    int status = -1;
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(status == 0);
    usleep(5'000);
  }
}

}  // namespace

SCENARIO(storm) {
  const char* const asked = getenv("NOSIGBUS_STORM_SECONDS");
  const unsigned seconds = asked == nullptr ? 3 : static_cast<unsigned>(atoi(asked));
  alarm(seconds + 30);
  mapped_file one(pages), two(pages, MAP_SHARED, PROT_READ), three(pages, MAP_PRIVATE, PROT_READ),
      four(pages, MAP_SHARED, PROT_READ, mapped_file::where::shm);
  const std::array files{&one, &two, &three, &four};
  const unsigned descriptors = count_entries("/proc/self/fd");
  std::vector<std::thread> threads;
  for (unsigned i = 1; i <= 2; ++i) threads.emplace_back([&, i] { read(files, i); });
  for (unsigned i = 11; i <= 12; ++i) threads.emplace_back([&, i] { change(files, i); });
  threads.emplace_back([&] { cut_and_grow(files); });
  threads.emplace_back([&] { fork_now_and_then(files); });
  sleep(seconds);
  g_over = true;
  for (std::thread& thread : threads) thread.join();
  for (const mapped_file* file : files) {
    file->grow_back(filler);
    EXPECT(becomes((*file)[15 * page], filler));
  }
  EXPECT(eventually([] { return count_entries("/proc/self/task") == 1; }));
  EXPECT(count_entries("/proc/self/fd") == descriptors);
}
