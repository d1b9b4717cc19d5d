// SPDX-License-Identifier: MIT
#include "journal_file.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <system_error>

#include "failure.h"

namespace nosigbus::run {

namespace {

[[noreturn]] void fail(const char* what) {
  const int error = errno;
  throw failure(own_failure, std::string("cannot make the journal: ") + what + ": " +
                                 std::generic_category().message(error));
}

}  // namespace

journal_file::journal_file() : fd_(memfd_create("nosigbus journal", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
  if (fd_ < 0) fail("memfd_create");
  if (ftruncate(fd_, sizeof(preload::journal)) != 0) fail("ftruncate");
  // Whoever maps it can rely on all of it being there, this process too.
  if (fcntl(fd_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) fail("fcntl");
  void* const mapped = mmap(nullptr, sizeof(preload::journal), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (mapped == MAP_FAILED) fail("mmap");
  journal_ = static_cast<preload::journal*>(mapped);
  journal_->magic = preload::journal::magic_value;
}

journal_file::~journal_file() {
  munmap(journal_, sizeof(preload::journal));
  close(fd_);
}

std::string journal_file::path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_);
}

void journal_file::wait(uint32_t news, unsigned milliseconds) const {
  // seq_cst, with the writer's news: it sees that somebody waits, or the kernel sees its news.
  journal_->watched.store(1, std::memory_order_seq_cst);
  futex_wait(journal_->news, news, true, milliseconds);
  journal_->watched.store(0, std::memory_order_relaxed);
}

void journal_file::tell_named(size_t record) const {
  std::atomic<uint32_t>& named = journal_->records[record].named;
  named.store(1, std::memory_order_release);
  syscall(SYS_futex, &named, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

void futex_wait(std::atomic<uint32_t>& word, uint32_t value, bool shared, unsigned milliseconds) {
  const timespec limit{milliseconds / 1000, static_cast<long>(milliseconds % 1000) * 1'000'000};
  const long result = syscall(SYS_futex, &word, shared ? FUTEX_WAIT : FUTEX_WAIT_PRIVATE, value,
                              milliseconds == 0 ? nullptr : &limit, nullptr, 0);
  const int error = result == 0 ? 0 : errno;
  if (error == 0 || error == EINTR || error == ETIMEDOUT || word.load() != value) return;
  const timespec moment{0, 10'000'000};
  nanosleep(&moment, nullptr);
}

}  // namespace nosigbus::run
