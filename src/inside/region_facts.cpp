// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/inside/probe.h>
#include <src/inside/region_facts.h>
#include <src/inside/way_back.h>
#include <src/shared/syscalls.h>
#include <sys/stat.h>

namespace nosigbus {

constinit uint64_t g_secret = 0;

namespace {

constexpr uint64_t unknown_size = ~uint64_t{0};

size_t round_up(const region_descriptor& region, uint64_t bytes) {
  return static_cast<size_t>(bytes + region.granule - 1) & ~(region.granule - 1);
}

// A page behind this one that the file supplies; this one if none is found. A file that is cut off has
// none, one with a bad page has. Looks at the next page, at ever longer distances, and at the last one.
// What the program wrote to a private page says the same: a truncation takes it away.
size_t supplied_behind(const region_descriptor& region, size_t page) {
  const size_t last = region.mapped - region.granule;
  for (size_t step = region.granule; step < last - page; step *= 2) {
    if (supplied(region, page + step)) return page + step;
  }
  return page != last && supplied(region, last) ? last : page;
}

verdict end_of_file(const region_descriptor& region, size_t first_missing_page, uint64_t first_bad) {
  return {NOSIGBUS_EOF, {first_missing_page, region.mapped}, first_bad};
}

verdict io_error(const region_descriptor& region, size_t page) {
  return {NOSIGBUS_IO, {page, page + region.granule}, page};
}

// Anonymous memory between the pages of a private mapping: neither has it a second mapping, nor can a page be
// told from it. What is behind is not known to be missing.
bool nothing_to_compare_with(const region_descriptor& region) {
  return !region.shared && region.has_holes && file_size(region) == unknown_size;
}

// A truncation may be under way, see supplied(). The page that proves the opposite may be the program's own
// copy, which cannot be taken out of the mapping to look again: the truncation gets time to take it out.
void wait_for_truncation() {
  const timespec moment{0, 1'000'000};
  uint32_t nobody_wakes = 0;
  sys::raw_syscall(SYS_futex, reinterpret_cast<long>(&nobody_wakes), FUTEX_WAIT_PRIVATE, 0,
                   reinterpret_cast<long>(&moment));
}

// Does the file reach beyond a page that cannot be accessed? Its size tells; where that is not known, a
// page behind that the file supplies does.
class reach {
 public:
  reach(const region_descriptor& region, size_t page) : region_(region), page_(page) { look(); }

  // Whether what is seen may be a moment old.
  bool lags() const { return !known_ && !region_.shared; }
  // As last seen.
  bool beyond() const { return known_ ? page_ < within_ : witness_ != page_; }
  // Looks again, at what was beyond.
  bool still_beyond() {
    if (!known_) return supplied(region_, witness_);
    look();  // the descriptor may be gone by now, which says nothing of the file
    return beyond();
  }

  // Valid after either said no.
  verdict end() const {
    if (known_) {
      verdict found = end_of_file(region_, round_up(region_, within_), within_);
      found.by_size = true;
      return found;
    }
    return end_of_file(region_, first_missing(region_, 0, page_), page_);
  }

 private:
  void look() {
    const uint64_t size = file_size(region_);
    known_ = size != unknown_size;
    if (known_) {
      within_ = bytes_within(region_, size);
    } else {
      witness_ = supplied_behind(region_, page_);
    }
  }

  const region_descriptor& region_;
  const size_t page_;
  bool known_ = false;
  uint64_t within_ = 0;
  size_t witness_ = 0;
};

// Bits that nobody outside of this process can foresee.
uint64_t random_bits() {
  static constinit std::atomic<uint64_t> g_count{0};
  // splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators")
  uint64_t z = g_secret + g_count.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

bool supplied(const region_descriptor& region, size_t page) {
  const uintptr_t address = beside_overlays(region, page);
  if (address == 0) return false;
  // A page that is mapped already proves nothing: a truncation sets the file's size first and takes the
  // pages out of the mappings then, and it can be preempted in between. So the page is taken out of the
  // mapping (it stays in the file), and has to be found in the file anew. Not so where that would throw
  // away a private copy, or anonymous memory that was adopted with the file.
  // Locked pages go by another name (Linux 5.18); where nothing goes, a mapped page has to do.
  constexpr int dontneed_locked = 24;
  const bool file_alone = region.shared && (region.shadow != 0 || !region.has_holes);
  if (file_alone && sys::failed(sys::madvise(address, region.granule, MADV_DONTNEED))) {
    sys::madvise(address, region.granule, dontneed_locked);
  }
  return probe::readable(address, region.granule);
}

bool accessible(const region_descriptor& region, size_t page, nosigbus_access access) {
  const auto ask = [&](bool write) { return probe::pages(region.base + page, region.granule, write); };
  if (access != NOSIGBUS_ACCESS_UNKNOWN) return ask(access == NOSIGBUS_WRITE) == probe::answer::accessible;
  if (ask(false) != probe::answer::accessible) return false;
  const probe::answer write = ask(true);
  // A write that is not permitted would have raised SIGSEGV: it was none.
  if (write == probe::answer::denied) return (region.prot & PROT_WRITE) == 0;
  return write == probe::answer::accessible || write == probe::answer::forbidden;
}

int descriptor_of(const region_descriptor& region, struct stat* status) {
  struct stat own {};
  struct stat& found = status != nullptr ? *status : own;
  const bool same = region.fd >= 0 && !sys::failed(sys::fstat(region.fd, &found)) &&
                    found.st_dev == region.fd_device && found.st_ino == region.fd_inode;
  return same ? region.fd : -1;
}

uint64_t file_size(const region_descriptor& region) {
  struct stat status {};
  const bool known = region.offset != unknown_offset && descriptor_of(region, &status) >= 0;
  return known && S_ISREG(status.st_mode) ? static_cast<uint64_t>(status.st_size) : unknown_size;
}

uint64_t bytes_within(const region_descriptor& region, uint64_t size) {
  const uint64_t offset = static_cast<uint64_t>(region.offset);
  if (size <= offset) return 0;
  const size_t all = region.size;
  return size - offset < all ? size - offset : all;
}

size_t first_missing(const region_descriptor& region, size_t begin, size_t end) {
  if (begin == end || !supplied(region, begin)) return begin;
  // Invariant: the page at `good` is supplied, the one at `bad` is not, or is `end`.
  size_t good = begin, bad = end;
  while (bad - good > region.granule) {
    const size_t middle = good + ((bad - good) / 2 & ~(region.granule - 1));
    (supplied(region, middle) ? good : bad) = middle;
  }
  return bad;
}

// A page that cannot be accessed in a file that reaches beyond it is an I/O error, which can be fatal.
// But the two are two system calls, and the other side may truncate and grow the file in between: seen
// long, then cut off, a page past the end looks like a bad one within. Asking both in turn, however often,
// proves nothing: the file's locks can make their calls and ours alternate. So each of 64 looks is at the
// page or at the file's reach as a secret coin decides, and all have to agree. Whoever changes the file
// without knowing the coin has to be in the right state by chance each time: 1 in 2^64, however fast. Before
// them the file's reach, which in most cases is all there is to say.
verdict decide(const region_descriptor& region, size_t page, nosigbus_access access) {
  if (nothing_to_compare_with(region)) return {NOSIGBUS_EOF, {page, page + region.granule}, page};
  reach file(region, page);
  if (!file.beyond()) return file.end();
  // Where an I/O error is absorbed, too, a wrong answer takes another fault and is right then.
  const bool patient = file.lags() && (region.flags & NOSIGBUS_ABSORB_IO) == 0;
  uint64_t coins = random_bits();
  for (int looks = 0; looks < 64; ++looks, coins >>= 1) {
    if (patient) wait_for_truncation();
    if ((coins & 1) == 0 && !file.still_beyond()) return file.end();
    if ((coins & 1) != 0 && accessible(region, page, access)) return {NOSIGBUS_NONE, {}, 0};
  }
  return io_error(region, page);
}

verdict lost(const region_descriptor& region, const nosigbus_fault& fault, size_t page) {
  const size_t unit = fault.granule > region.granule ? fault.granule : region.granule;
  const uintptr_t begin = (region.base + page) & ~(unit - 1), end = begin + unit;
  const size_t from = begin > region.base ? begin - region.base : 0;
  const size_t mapped = region.mapped;
  const size_t to = end - region.base < mapped ? end - region.base : mapped;
  return {fault.cause, {from, to}, from};
}

}  // namespace nosigbus
