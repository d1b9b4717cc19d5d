// SPDX-License-Identifier: MIT
//
// nosigbus-peers-check: what each technique is, and what it gets right, tried out in children; as Markdown.
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "support/child.h"
#include "support/shared_file.h"
#include "technique.h"

namespace {

using peers::reader;
using peers::technique;

constexpr size_t size = size_t{64} << 10, half = size / 2;

// A file with the pattern, attached.
struct attached {
  explicit attached(const technique& t, size_t bytes = size)
      : file(bytes), pages(bench::shuffled(bench::pages_of(bytes))), handler(t) {
    if (bytes == size) file.draw();
    by = t.attach(file.fd(), bytes);
  }
  void touch_all() const { by->touch(pages.data(), pages.size()); }
  // The other side writes, what was not there. Returns whether it is read.
  bool sees_writes() {
    const auto other = static_cast<unsigned char>(test::pattern(0) ^ 255);
    peers::require(pwrite(file.fd(), &other, 1, 0) == 1);
    unsigned char first;
    by->read(&first, 0, 1);
    return first == other;
  }
  // Whether the first bytes read as the pattern.
  bool good(size_t bytes) const {
    std::vector<unsigned char> copy(bytes);
    by->read(copy.data(), 0, bytes);
    for (size_t i = 0; i < bytes; ++i) {
      if (copy[i] != test::pattern(i)) return false;
    }
    return true;
  }

  test::shared_file file;
  bench::page_order pages;
  peers::in_force handler;
  std::unique_ptr<reader> by;
};

// Each returns the number of an answer.

int survives(const technique& t) {
  attached a(t);
  a.file.resize(0);
  a.touch_all();
  return 0;
}

int keeps_the_valid_part(const technique& t) {
  attached a(t);
  a.file.resize(half);
  a.touch_all();
  return a.good(half) ? 0 : 1;
}

int tells(const technique& t) {
  attached a(t);
  a.file.resize(half);
  std::vector<unsigned char> copy(size);
  const size_t told = a.by->read(copy.data(), 0, size);
  if (told == half) return 0;
  return told < size || a.by->noticed() ? 1 : 2;
}

int sees_writes(const technique& t) { return attached(t).sees_writes() ? 0 : 1; }

int comes_back(const technique& t) {
  attached a(t);
  a.file.resize(0);
  a.touch_all();
  a.file.resize(size);
  a.by->refresh();
  return a.sees_writes() ? 0 : 1;
}

// In a mapping that nobody gave to the technique.
int leaves_other_faults_alone(const technique& t) {
  attached a(t);
  test::shared_file stranger(size);
  const unsigned char* const base = stranger.map(size);
  stranger.resize(0);
  bench::peek(base, 0);
  return 0;
}

int survives_blocked(const technique& t) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGBUS);
  attached a(t);
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  a.file.resize(0);
  a.touch_all();
  return 0;
}

int survives_at_random(const technique& t) {
  attached a(t, size_t{1} << 30);
  a.file.resize(0);
  a.touch_all();
  return 0;
}

std::string at_random_title() {
  std::string allowed;
  std::ifstream("/proc/sys/vm/max_map_count") >> allowed;
  return "1 GiB cut off, read at random, " + allowed + " mappings allowed";
}

struct check {
  std::string title;
  int (*run)(const technique& t);
  std::vector<const char*> answers;
  const char* when_killed = "**dies**";
};

const std::vector<check>& checks() {
  static const std::vector<check> all{
      {"cut off to nothing", survives, {"survives"}},
      {"what is left of the file", keeps_the_valid_part, {"stays", "**blank**"}},
      {"tells that bytes are missing", tells, {"yes, and from where", "yes", "**no**"}},
      {"what the other side writes", sees_writes, {"seen", "**not seen**"}},
      {"the file has grown again", comes_back, {"seen", "**not seen**"}},
      {"a fault in any other mapping", leaves_other_faults_alone, {"**swallowed**"}, "kills, as it should"},
      {"SIGBUS blocked", survives_blocked, {"survives"}},
      {at_random_title(), survives_at_random, {"survives"}},
  };
  return all;
}

const char* answer(const check& c, const technique& t) {
  const test::outcome how = test::in_child([&] { return c.run(t); }, 120);
  if (how.signo != 0) return c.when_killed;
  if (how.exit_code < 0 || static_cast<size_t>(how.exit_code) >= c.answers.size()) return "**fails**";
  return c.answers[static_cast<size_t>(how.exit_code)];
}

void print_kinds() {
  printf("| technique | what reads in place | how it is done here |\n| --- | --- | --- |\n");
  for (const technique& t : peers::all()) printf("| %s | %s | %s |\n", t.name, t.reads, t.how);
}

void print_checks() {
  printf("| technique |");
  for (const check& c : checks()) printf(" %s |", c.title.c_str());
  printf("\n| --- |");
  for (size_t i = 0; i < checks().size(); ++i) printf(" --- |");
  printf("\n");
  for (const technique& t : peers::all()) {
    printf("| %s |", t.name);
    for (const check& c : checks()) printf(" %s |", answer(c, t));
    printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "kinds") == 0) {
    print_kinds();
  } else if (argc == 2 && strcmp(argv[1], "checks") == 0) {
    print_checks();
  } else {
    fprintf(stderr, "nosigbus-peers-check kinds|checks\n");
    return 2;
  }
  return 0;
}
