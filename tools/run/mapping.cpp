// SPDX-License-Identifier: MIT
#include "mapping.h"

#include <nosigbus/fault.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace nosigbus::run {

namespace {

template <size_t Size>
std::string text_of(const char (&field)[Size]) {
  return {field, strnlen(field, Size)};
}

// file_kind, as the drop-in numbers it.
constexpr struct {
  const char *text, *word;
} kinds[] = {{"anonymous memory", "anonymous"},
             {"shared memory", "shared-memory"},
             {"file", "file"},
             {"device", "device"}};

constexpr struct {
  const char *text, *word;
} causes[] = {{"nothing seen", "none"},        {"cannot be supplied", "missing"},
              {"end of file", "end-of-file"},  {"I/O error, or no space", "io-error"},
              {"poisoned memory", "poisoned"}, {"unmapped", "unmapped"},
              {"protected", "protected"}};

template <class Words, size_t Count>
const Words* find(const Words (&all)[Count], uint32_t number) {
  return number < Count ? &all[number] : nullptr;
}

}  // namespace

std::optional<mapping> read_mapping(const preload::journal& journal, size_t index) {
  const preload::journal_record& record = journal.records[index];
  using state = preload::journal_record;
  if (record.state.load(std::memory_order_acquire) != state::complete) return std::nullopt;
  const auto count = [](const std::atomic<uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  mapping out;
  out.record = index;
  out.faults = count(record.faults);
  if (out.faults == 0) return std::nullopt;  // the first one is being dealt with
  out.pid = record.pid;
  out.tid = record.tid;
  out.address = record.address;
  out.size = record.size;
  out.device = record.device;
  out.inode = record.inode;
  out.first_bad = record.first_bad;
  out.time = record.time;
  out.cause = record.cause;
  out.access = record.access;
  out.kind = record.kind;
  out.guarded = record.guarded != 0;
  out.program = text_of(record.program);
  out.name = text_of(record.name);
  const size_t callers = std::min<size_t>(record.callers_length, state::most_callers);
  out.callers.assign(record.callers, record.callers + callers);
  out.zeros = count(record.zeros);
  out.handler = count(record.handler);
  out.cured = count(record.cured);
  out.passed = count(record.passed);
  out.healed = count(record.healed);
  out.gone = count(record.gone);
  const uint32_t now = record.damaged.load(std::memory_order_relaxed);
  out.damaged = now == state::damaged_now;
  out.is_gone = now == state::gone_now;
  return out;
}

std::vector<mapping> read_mappings(const preload::journal& journal) {
  std::vector<mapping> all;
  if (is_empty(journal)) return all;
  for (size_t i = 0; i < preload::journal::capacity; ++i) {
    if (auto found = read_mapping(journal, i)) all.push_back(std::move(*found));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const mapping& a, const mapping& b) { return a.time < b.time; });
  return all;
}

const char* cause_text(const mapping& of) {
  const auto* const words = find(causes, of.cause);
  return words != nullptr ? words->text : "unknown";
}

const char* cause_word(const mapping& of) {
  const auto* const words = find(causes, of.cause);
  return words != nullptr ? words->word : "unknown";
}

const char* kind_text(const mapping& of) {
  const auto* const words = find(kinds, of.kind);
  return words != nullptr ? words->text : "unknown";
}

const char* kind_word(const mapping& of) {
  const auto* const words = find(kinds, of.kind);
  return words != nullptr ? words->word : "unknown";
}

const char* access_word(const mapping& of) {
  if (of.access == NOSIGBUS_READ) return "read";
  return of.access == NOSIGBUS_WRITE ? "write" : "unknown";
}

std::string shown(const std::string& name) {
  std::string rest = name;
  constexpr const char* memfd = "/memfd:";
  constexpr const char* deleted = " (deleted)";
  if (rest.rfind(memfd, 0) == 0) {
    rest.erase(0, 1);
    if (rest.size() > strlen(deleted) && rest.ends_with(deleted)) rest.erase(rest.size() - strlen(deleted));
  }
  std::string out;
  for (const char letter : rest) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte >= 0x20 && byte < 0x7f) {
      out += letter;
      continue;
    }
    char escaped[5];
    snprintf(escaped, sizeof escaped, "\\x%02x", byte);
    out += escaped;
  }
  return out.empty() ? "(no name)" : out;
}

}  // namespace nosigbus::run
