// SPDX-License-Identifier: MIT
//
// Threads that make regions, do everything with them, and release them.
#include <errno.h>
#include <sys/prctl.h>
#include <time.h>

#include "canaries.h"

namespace storm {

namespace {

using test::origin;

size_t rounded(size_t bytes) { return (bytes + page - 1) & ~(page - 1); }

size_t any_length(random_source& random) {
  return (kept_pages + 1 + random() % target_pages) * page - random() % 2 * 100;
}

// A region that lives for one turn, and what release leaves of it.
class short_lived {
 public:
  short_lived(const test::shared_file& file, random_source& random)
      : how_(test::origins[random() % std::size(test::origins)]), writable_(random() % 2 != 0) {
    length_ = any_length(random);
    region_ = test::make_region(how_, file, length_, writable_ ? PROT_READ | PROT_WRITE : PROT_READ,
                                writable_ ? NOSIGBUS_DISCARD_WRITES : 0u);
    first_ = region_.data();
  }

  uintptr_t address() const { return reinterpret_cast<uintptr_t>(region_.data()); }
  void check(random_source& random) const { check_bytes(region_, true, random, 6); }
  void prefault(random_source& random) {
    const size_t offset = random() % region_.size();
    const int error = region_.prefault(offset, random() % (region_.size() - offset));
    if (error != 0) fail("prefault says %d", error);
  }
  void refresh() {
    const int answer = region_.refresh();
    if (answer != 0 && answer != 1 && answer != -ENOTSUP) fail("refresh says %d", answer);
  }
  void resize(random_source& random) {
    const int error = region_.resize(any_length(random));
    if (error != 0 && error != -ENOTSUP) fail("resize says %d", error);
  }

  // Puts a canary where it was.
  void release(canaries& birds) {
    void* place = region_.data();
    size_t length = rounded(region_.size());
    region_.reset();
    if (how_ != origin::mapped) {
      place = first_;
      length = rounded(length_);
      munmap(place, length);
    }
    birds.place(place, length);
  }

 private:
  origin how_;
  bool writable_;
  size_t length_;
  nosigbus::region region_;
  void* first_;
};

void use(short_lived& region, random_source& random) {
  region.check(random);
  switch (random() % 4) {
    case 0:
      region.prefault(random);
      break;
    case 1:
      region.refresh();
      break;
    case 2:
      region.resize(random);
      break;
    default:
      break;
  }
  region.check(random);
}

// Until some instant of the next moments: whoever runs in this thread's stead is then interrupted, in the
// midst of a repair, if it so happens.
void nap(random_source& random) {
  const timespec time{0, static_cast<long>(random() % 60000)};
  nanosleep(&time, nullptr);
}

// Lets the guarded readers know of the region and meet its missing pages while it is released.
void release_in_use(short_lived& region, const test::shared_file& file, std::atomic<uintptr_t>& target,
                    random_source& random, canaries& birds) {
  if (ftruncate(file.fd(), static_cast<off_t>(kept_pages * page)) != 0) fail("ftruncate");
  target.store(region.address(), std::memory_order_relaxed);
  nap(random);
  region.release(birds);
}

void live_and_die(scene& on, std::atomic<uintptr_t>& target, random_source& random, canaries& birds) {
  const test::shared_file& file = *on.files[random() % on.files.size()];
  short_lived region(file, random);
  ++on.made;
  if (random() % 4 != 0) {
    release_in_use(region, file, target, random, birds);
  } else {
    target.store(region.address(), std::memory_order_relaxed);
    use(region, random);
    region.release(birds);
  }
  target.store(0, std::memory_order_relaxed);
}

}  // namespace

void map_all_the_time(scene& on, unsigned seed) {
  prctl(PR_SET_TIMERSLACK, 1);
  random_source random(seed);
  canaries birds(on);
  std::atomic<uintptr_t>& target = on.targets[seed % std::size(on.targets)];
  while (on.stop_and_go.pass([&] { birds.give_up(0); })) {
    for (int i = 0; i < 4; ++i) live_and_die(on, target, random, birds);
    subject& s = on.subjects[random() % on.subjects.size()];
    s.region.refresh();
    if (random() % 4 == 0) s.region.prefault(0, s.region.size());
  }
}

}  // namespace storm
