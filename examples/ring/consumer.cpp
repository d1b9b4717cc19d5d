// SPDX-License-Identifier: MIT
#include "consumer.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nosigbus/nosigbus.hpp>

const char* name_of(outcome what) {
  switch (what) {
    case outcome::record:
      return "a record";
    case outcome::closed:
      return "closed";
    case outcome::missing:
      return "memory is missing";
    case outcome::invalid:
      return "not a ring";
  }
  return "";
}

outcome consumer::wait_for_head(std::uint32_t* head) {
  // Who cuts it off wakes nobody.
  const timespec patience{0, 50'000'000};
  for (;;) {
    // acquire: with the producer's release, the bytes in front of head are there.
    const auto now = nosigbus::load_acquire(&shared_->head);
    if (!now) return outcome::missing;
    *head = *now;
    // Looked at once, and never again: it can change while we look.
    if (*head - tail_ > ring::capacity) return outcome::invalid;
    if (*head != tail_) return outcome::record;
    // The kernel reads the word, too, and says EFAULT where that is missing.
    if (syscall(SYS_futex, &shared_->head, FUTEX_WAIT, *head, &patience, nullptr, 0) != 0 &&
        errno == EFAULT) {
      return outcome::missing;
    }
  }
}

bool consumer::copy(void* to, std::uint32_t from, std::uint32_t count) const {
  auto* const bytes = static_cast<unsigned char*>(to);
  const std::uint32_t begin = from % ring::capacity, first = std::min(count, ring::capacity - begin);
  return nosigbus::safe_read(bytes, shared_->bytes + begin, first) == first &&
         nosigbus::safe_read(bytes + first, shared_->bytes, count - first) == count - first;
}

outcome consumer::next(std::vector<unsigned char>& record) {
  std::uint32_t head;
  if (const outcome what = wait_for_head(&head); what != outcome::record) return what;
  const std::uint32_t there = head - tail_;
  std::uint32_t size;
  if (there < sizeof size) return outcome::invalid;
  if (!copy(&size, tail_, sizeof size)) return outcome::missing;
  if (size == 0) return outcome::closed;
  if (size > there - sizeof size) return outcome::invalid;
  record.resize(size);
  if (!copy(record.data(), tail_ + sizeof size, size)) return outcome::missing;
  tail_ += static_cast<std::uint32_t>(sizeof size) + size;
  // release: the bytes have been read before the producer may write over them.
  if (nosigbus::store_release(&shared_->tail, tail_) != 0) return outcome::missing;
  syscall(SYS_futex, &shared_->tail, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  return outcome::record;
}
