// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <src/preload/inside/diary.h>
#include <src/preload/options.h>
#include <src/preload/state.h>
#include <src/shared/call_chain.h>
#include <sys/prctl.h>
#include <time.h>

namespace nosigbus::preload::diary {

constinit journal* g_journal = nullptr;

namespace {

void tell() {
  // seq_cst, with `watched`: whoever begins to wait sees the news, or we see that somebody waits.
  g_journal->news.fetch_add(1, std::memory_order_seq_cst);
  if (g_journal->watched.load(std::memory_order_seq_cst) == 0) return;
  constexpr int everybody = 0x7fffffff;
  sys::raw_syscall(SYS_futex, reinterpret_cast<long>(&g_journal->news), FUTEX_WAKE, everybody);
}

// Gives the reader time to look at our code, once for each mapping; the process may be gone a moment later.
void wait_until_named(journal_record& record) {
  const timespec limit{0, 200'000'000};
  if (record.named.load(std::memory_order_acquire) != 0) return;
  sys::raw_syscall(SYS_futex, reinterpret_cast<long>(&record.named), FUTEX_WAIT, 0,
                   reinterpret_cast<long>(&limit));
}

uint64_t now() {
  timespec time{};
  sys::raw_syscall(SYS_clock_gettime, CLOCK_REALTIME, reinterpret_cast<long>(&time));
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// The end of a path says more than its beginning.
void copy_name(char* out, size_t size, const char* name) {
  size_t length = 0;
  while (name[length] != '\0') ++length;
  const char* from = length < size ? name : name + (length - (size - 1));
  while ((*out++ = *from++) != '\0') {
  }
}

bool is_of(const journal_record& record, const mapping_info& info, int32_t pid) {
  return record.pid == pid && record.address == info.begin && record.inode == info.inode &&
         record.device == info.device && record.size == info.end - info.begin;
}

void describe(journal_record& record, const mapping_info& info, const nosigbus_fault& fault, file_kind kind,
              const char* name, void* ucontext) {
  record.pid = own_pid();
  record.tid = static_cast<int32_t>(sys::raw_syscall(SYS_gettid));
  record.address = info.begin;
  record.size = info.end - info.begin;
  record.device = info.device;
  record.inode = info.inode;
  record.first_bad = (fault.address - info.begin) & ~(fault.granule - 1);
  record.time = now();
  record.cause = fault.cause;
  record.access = fault.access;
  record.kind = static_cast<uint32_t>(kind);
  copy_name(record.name, sizeof record.name, name);
  sys::raw_syscall(SYS_prctl, PR_GET_NAME, reinterpret_cast<long>(record.program));
  const chain_collector collect = g_chain_collector.load(std::memory_order_acquire);
  if (collect != nullptr && ucontext != nullptr) {
    record.callers_length = static_cast<uint32_t>(
        collect(ucontext, reinterpret_cast<uintptr_t*>(record.callers), journal_record::most_callers));
  }
}

}  // namespace

journal_record* record_of(const mapping_info& info, const nosigbus_fault& fault, file_kind kind,
                          const char* name, bool guarded, void* ucontext) {
  if (g_journal == nullptr) return nullptr;
  const int32_t pid = own_pid();
  const uint32_t first = journal::place(info.begin, pid);
  for (uint32_t i = 0; i < journal::most_probes; ++i) {
    journal_record& record = g_journal->records[(first + i) % journal::capacity];
    uint32_t state = record.state.load(std::memory_order_acquire);
    if (state == journal_record::complete && is_of(record, info, pid)) return &record;
    if (state != journal_record::unused ||
        !record.state.compare_exchange_strong(state, journal_record::claimed, std::memory_order_acq_rel)) {
      continue;
    }
    // Relaxed: whoever looks has seen the news that follow, or the end of this process.
    g_journal->claimed.fetch_add(1, std::memory_order_relaxed);
    describe(record, info, fault, kind, name, ucontext);
    record.guarded = guarded;
    record.state.store(journal_record::complete, std::memory_order_release);
    return &record;
  }
  g_journal->lost.fetch_add(1, std::memory_order_relaxed);
  tell();
  return nullptr;
}

void note_fault(journal_record* record, nosigbus_cause cause, uint64_t first_bad, outcome became,
                bool handler) {
  if (record == nullptr) return;
  const auto count = [](std::atomic<uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); };
  const bool first = record->faults.load(std::memory_order_relaxed) == 0;
  if (first) {
    record->cause = cause;
    if (first_bad < record->first_bad) record->first_bad = first_bad;
  }
  count(record->faults);
  if (handler) count(record->handler);
  switch (became) {
    case outcome::zeros:
      count(record->zeros);
      record->damaged.store(journal_record::damaged_now, std::memory_order_relaxed);
      break;
    case outcome::cured:
      count(record->cured);
      break;
    case outcome::passed:
      count(record->passed);
      break;
  }
  tell();
  if (first && record->callers_length != 0) wait_until_named(*record);
}

void note_attached() {
  g_journal->attached.fetch_add(1, std::memory_order_relaxed);
  tell();
}

void note_passed(journal_record* record) {
  note_fault(record, NOSIGBUS_MISSING, UINT64_MAX, outcome::passed, false);
}

void note_healed(journal_record* record) {
  if (record == nullptr) return;
  record->damaged.store(journal_record::whole_now, std::memory_order_relaxed);
  record->healed.fetch_add(1, std::memory_order_relaxed);
  tell();
}

void note_gone(journal_record* record) {
  // A child of fork has its parent's regions, and the parent still has the mapping.
  if (record == nullptr || record->pid != own_pid()) return;
  uint32_t damaged = journal_record::damaged_now;
  if (!record->damaged.compare_exchange_strong(damaged, journal_record::gone_now,
                                               std::memory_order_relaxed)) {
    return;
  }
  record->gone.fetch_add(1, std::memory_order_relaxed);
  tell();
}

}  // namespace nosigbus::preload::diary
