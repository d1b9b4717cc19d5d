// SPDX-License-Identifier: MIT
//
// nosigbus-run: its options, and what it reads and writes of a journal that the protected program can write
// to.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "failure.h"
#include "mapping.h"
#include "options.h"
#include "report.h"
#include "support/check.h"
#include "support/input.h"
#include "watch.h"

namespace {

using namespace fuzz;
using namespace nosigbus::run;
using nosigbus::preload::journal;
using nosigbus::preload::journal_record;

// --- Options

constexpr const char* words[] = {
    "--scope",    "--io",        "--write", "--own-handler", "--report",   "--log",
    "--follow",   "--backtrace", "--help",  "--version",     "--",         "shm",
    "files",      "all",         "absorb",  "pass",          "discard",    "cooperate",
    "rescue",     "text",        "json",    "none",          "fd:2",       "program",
    "-h",         "-",           "",        "--scope=shm",   "--log=file", "--report=",
    "--follow=1", "--scope=",
};
constexpr const char* variables[] = {"NOSIGBUS_SCOPE",       "NOSIGBUS_IO",       "NOSIGBUS_WRITE",
                                     "NOSIGBUS_OWN_HANDLER", "NOSIGBUS_REPORT",   "NOSIGBUS_LOG",
                                     "NOSIGBUS_FOLLOW",      "NOSIGBUS_BACKTRACE"};

std::string text_of(input& from, size_t most) {
  std::string text;
  for (size_t length = from.below(most); length > 0; --length) text += static_cast<char>(from.byte());
  return text;
}
std::string word_of(input& from) { return from.below(4) == 0 ? text_of(from, 16) : from.pick(words); }
// Without NUL: neither arguments nor variables have any.
std::string no_nul(std::string text) {
  std::erase(text, '\0');
  return text;
}

bool one_of(const std::string& value, std::initializer_list<const char*> all) {
  return value.empty() || std::find(all.begin(), all.end(), value) != all.end();
}

void check_options(const options& found, const std::vector<std::string>& given) {
  FUZZ_CHECK(one_of(found.scope, {"shm", "files", "all"}));
  FUZZ_CHECK(one_of(found.io, {"absorb", "pass"}));
  FUZZ_CHECK(one_of(found.write, {"discard", "pass"}));
  FUZZ_CHECK(one_of(found.own_handler, {"cooperate", "rescue"}));
  // The program and its arguments are the last words, whatever they look like.
  FUZZ_CHECK(!found.command.empty() && found.command.size() <= given.size());
  FUZZ_CHECK(std::equal(found.command.rbegin(), found.command.rend(), given.rbegin()));
}

void try_options(input& from) {
  for (const char* const each : variables) {
    if (from.below(4) == 0) {
      setenv(each, no_nul(word_of(from)).c_str(), 1);
    } else {
      unsetenv(each);
    }
  }
  std::vector<std::string> given;
  for (size_t count = from.below(8); count > 0; --count) given.push_back(no_nul(word_of(from)));
  std::vector<const char*> argv{"nosigbus-run"};
  for (const std::string& each : given) argv.push_back(each.c_str());
  argv.push_back(nullptr);
  try {
    const auto found = parse_options(static_cast<int>(argv.size() - 1), argv.data());
    if (found) check_options(*found, given);
  } catch (const failure& why) {
    FUZZ_CHECK_EQUAL(why.status(), own_failure);
  }
  for (const char* const each : variables) unsetenv(each);
}

// --- Journal

// What a terminal shows as it stands.
void check_text(const std::string& text) {
  for (const char each : text) FUZZ_CHECK(each == '\n' || (each >= 0x20 && each < 0x7f));
  FUZZ_CHECK(text.empty() || text.back() == '\n');
}

void check_json(const std::string& text, size_t mappings) {
  FUZZ_CHECK(!text.empty() && text.find('\n') == text.size() - 1);
  const auto found = nlohmann::json::parse(text);
  FUZZ_CHECK_EQUAL(found.at("version").get<int>(), 1);
  if (found.at("type") == "report") FUZZ_CHECK_EQUAL(found.at("mappings").size(), mappings);
}

class hostile_journal {
 public:
  hostile_journal() : journal_(static_cast<journal*>(calloc(1, sizeof(journal)))) {}
  const journal& get() const { return *journal_; }

  void scribble(input& from) {
    uint8_t* const all = reinterpret_cast<uint8_t*>(journal_.get());
    for (size_t count = from.below(4); count > 0; --count) {
      const size_t index = chosen(from);
      uint8_t* const record = reinterpret_cast<uint8_t*>(&journal_->records[index]);
      touched_.push_back(index);
      // A record that is looked at, and anything else.
      journal_->records[index].state.store(journal_record::complete, std::memory_order_relaxed);
      journal_->records[index].faults.store(from.below(3), std::memory_order_relaxed);
      for (size_t writes = from.below(16); writes > 0; --writes) {
        const size_t at = from.below(sizeof(journal_record)),
                     length = std::min(from.below(40), sizeof(journal_record) - at);
        const uint8_t value = from.byte();
        const bool same = from.flag();
        for (size_t i = 0; i < length; ++i) record[at + i] = same ? value : from.byte();
      }
    }
    const size_t head = offsetof(journal, records);
    for (size_t writes = from.below(4); writes > 0; --writes) all[from.below(head)] = from.byte();
    if (from.below(4) != 0) journal_->claimed.store(1, std::memory_order_relaxed);
  }
  void clear() {
    uint8_t* const all = reinterpret_cast<uint8_t*>(journal_.get());
    std::fill_n(all, offsetof(journal, records), 0);
    for (const size_t index : touched_) {
      uint8_t* const record = reinterpret_cast<uint8_t*>(&journal_->records[index]);
      std::fill_n(record, sizeof(journal_record), 0);
    }
    touched_.clear();
  }

 private:
  static size_t chosen(input& from) {
    return from.flag() ? from.below(4) : journal::capacity - 1 - from.below(4);
  }

  struct release {
    void operator()(void* memory) const { free(memory); }
  };
  std::unique_ptr<journal, release> journal_;
  std::vector<size_t> touched_;
};

// Names that symbols and modules of the program have.
void describe_callers(mapping& of, input& from) {
  for (const uint64_t caller : of.callers) {
    frame each{.address = caller};
    each.module = text_of(from, 8);
    each.function = text_of(from, 8);
    each.offset = from.number(8);
    each.file = text_of(from, 8);
    each.line = static_cast<int>(from.number(4));
    of.backtrace.push_back(each);
  }
}

void check_mapping(const mapping& of) {
  FUZZ_CHECK(of.record < journal::capacity);
  FUZZ_CHECK(of.faults != 0);
  FUZZ_CHECK(of.callers.size() <= journal_record::most_callers);
  FUZZ_CHECK(of.name.size() <= sizeof journal_record::name &&
             of.program.size() <= sizeof journal_record::program);
  FUZZ_CHECK(!(of.damaged && of.is_gone));
  for (const char* const word :
       {cause_text(of), cause_word(of), access_word(of), kind_text(of), kind_word(of)}) {
    FUZZ_CHECK(word != nullptr && *word != '\0');
  }
}

void write_reports(const journal& from_program, input& from) {
  report now;
  now.program = text_of(from, 16);
  now.pid = static_cast<pid_t>(from.number(4));
  constexpr child_state::kind states[] = {child_state::exited, child_state::killed, child_state::stopped,
                                          child_state::running};
  now.state.what = from.pick(states);
  now.state.value = from.byte();
  now.attached = from_program.attached.load(std::memory_order_relaxed);
  now.lost = from_program.lost.load(std::memory_order_relaxed);
  now.mappings = read_mappings(from_program);
  for (mapping& each : now.mappings) {
    check_mapping(each);
    if (from.flag()) describe_callers(each, from);
  }
  check_text(text_report(now, from.flag()));
  check_text(warning(now));
  check_json(json_report(now), now.mappings.size());
}

void try_journal(input& from) {
  static hostile_journal g_journal;
  g_journal.scribble(from);
  watch seen(g_journal.get());
  const auto found = [](const mapping& of) { check_mapping(of); };
  const auto happened = [](const event& what, const mapping& where) {
    FUZZ_CHECK(what.times != 0);
    check_text(text_event(what, where));
    check_json(json_event(what, where), 0);
  };
  seen.look(found, happened);
  g_journal.scribble(from);
  seen.look(found, happened);
  write_reports(g_journal.get(), from);
  g_journal.clear();
}

// --help and --version are written there.
class silenced {
 public:
  silenced() : before_(std::cout.rdbuf(nowhere_.rdbuf())) {}
  ~silenced() { std::cout.rdbuf(before_); }
  silenced(const silenced&) = delete;
  silenced& operator=(const silenced&) = delete;

 private:
  std::ostringstream nowhere_;
  std::streambuf* before_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const silenced quiet;
  input from(data, size);
  from.flag() ? try_options(from) : try_journal(from);
  return 0;
}
