// SPDX-License-Identifier: MIT
//
// It trusts itself, so its accesses are plain atomics.
#include "producer.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "ring.h"

namespace {

class producer {
 public:
  explicit producer(int fd) : fd_(fd) {
    void* const at = mmap(nullptr, sizeof(ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) _exit(1);
    shared_ = static_cast<ring*>(at);
  }

  void write(std::uint32_t size, const void* bytes, std::uint32_t count) {
    while (ring::capacity - (head_ - tail().load(std::memory_order_acquire)) < sizeof size + count) {
      const std::uint32_t seen = tail().load(std::memory_order_relaxed);
      if (ring::capacity - (head_ - seen) >= sizeof size + count) break;
      syscall(SYS_futex, &shared_->tail, FUTEX_WAIT, seen, nullptr, nullptr, 0);
    }
    put(&size, sizeof size);
    put(bytes, count);
    show(head_);
  }
  void show(std::uint32_t head) {
    std::atomic_ref(shared_->head).store(head, std::memory_order_release);
    syscall(SYS_futex, &shared_->head, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
  std::uint32_t head() const { return head_; }
  void resize(std::size_t size) const {
    if (ftruncate(fd_, static_cast<off_t>(size)) != 0) _exit(1);
  }

 private:
  std::atomic_ref<std::uint32_t> tail() const { return std::atomic_ref(shared_->tail); }
  void put(const void* from, std::uint32_t count) {
    const auto* const bytes = static_cast<const unsigned char*>(from);
    for (std::uint32_t i = 0; i < count; ++i) shared_->bytes[head_++ % ring::capacity] = bytes[i];
  }

  const int fd_;
  ring* shared_;
  std::uint32_t head_ = 0;
};

}  // namespace

std::vector<unsigned char> record_of(std::uint32_t i) {
  std::vector<unsigned char> record(1 + i * 37 % 500);
  for (std::size_t k = 0; k < record.size(); ++k) record[k] = static_cast<unsigned char>(i + k);
  return record;
}

void produce(int fd, manner how) {
  producer other(fd);
  const std::uint32_t records = how == manner::honest ? honest_records : 100;
  for (std::uint32_t i = 0; i < records; ++i) {
    const auto record = record_of(i);
    other.write(static_cast<std::uint32_t>(record.size()), record.data(),
                static_cast<std::uint32_t>(record.size()));
  }
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  switch (how) {
    case manner::honest:
      other.write(0, nullptr, 0);
      break;
    case manner::cuts_it_off:
      other.resize(0);
      break;
    case manner::cuts_records:
      other.resize(page);
      other.show(other.head() + 64);
      break;
    case manner::lies_of_head:
      other.show(other.head() + 2 * ring::capacity);
      break;
    case manner::lies_of_size:
      other.write(1000000, "short", 5);
      break;
    case manner::oscillates:
      for (int i = 0; i < 20000; ++i) {
        other.resize(0);
        other.resize(sizeof(ring));
      }
      other.resize(0);
      break;
  }
  _exit(0);
}
