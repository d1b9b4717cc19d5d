// SPDX-License-Identifier: MIT
//
// Processes that end in all ways while all their threads fault, and whose last functions read regions.
#include "crowd.h"
#include "late_reader.h"

using namespace life_cycle;
using test::exited, test::in_child, test::killed_by, test::outcome;

namespace {

struct ending {
  const char* name;
  void (*end)();
  outcome expected;
};
const ending endings[] = {
    {"exit", [] { exit(7); }, exited(7)},
    {"quick_exit", [] { quick_exit(7); }, exited(7)},
    {"_exit", [] { _exit(7); }, exited(7)},
    {"abort", [] { abort(); }, killed_by(SIGABRT)},
    {"SIGTERM", [] { raise(SIGTERM); }, killed_by(SIGTERM)},
    {"a fault that is nobody's", [] { (void)*member(9).missing(); }, killed_by(SIGBUS)},
};

// Of a process that ends: those who read it are called when this translation unit's objects have long gone.
struct heritage {
  member self{7};
  test::shared_file file{4 * page};
  nosigbus::region region = test::make_region(test::origin::mapped, file, 4 * page);
};
heritage* g_heritage = nullptr;
int g_readers = 0, g_wanted = 0;

// Each finds the region cut off somewhere else, by itself. The last one says that all of them were there.
void read_at_the_end() {
  if (g_heritage == nullptr) return;
  heritage& all = *g_heritage;
  all.self.meet_all();
  all.file.resize(page);
  CHILD_CHECK(test::peek(all.region, page) == 0 && test::peek(all.region, 0) == test::pattern(0));
  all.file.resize(4 * page);
  all.file.draw();
  CHILD_CHECK(all.region.refresh() == 1 &&
              test::peek(all.region, 4 * page - 1) == test::pattern(4 * page - 1));
  if (++g_readers == g_wanted) _exit(42);
}

struct reads_when_destroyed {
  ~reads_when_destroyed() { read_at_the_end(); }
} const g_of_the_program;

enum class registered { before, after };

// atexit's, at_quick_exit's, a static object's, and two DSOs' destructors, one of which is finalised behind
// the library's.
void set_up(registered when) {
  const auto register_all = [] {
    CHILD_CHECK(atexit(read_at_the_end) == 0 && at_quick_exit(read_at_the_end) == 0);
  };
  if (when == registered::before) register_all();
  begin();
  if (when == registered::after) register_all();
  g_heritage = new heritage;
  g_late_reader = read_at_the_end;
  g_later_reader = read_at_the_end;
}

}  // namespace

TEST_CASE("a process ends with its own status while all threads fault" LIFE_CYCLE) {
  for (const ending& how : endings) {
    CAPTURE(how.name);
    for (size_t i = 0; i < cycles(6) / 6; ++i) {
      CHECK(in_child([&] {
              begin();
              const test::pestered thread;
              crowd::for_ever();
              how.end();
              return 1;
            }) == how.expected);
    }
  }
}

TEST_CASE("a process whose other thread ends it" LIFE_CYCLE) {
  for (const ending& how : endings) {
    CAPTURE(how.name);
    for (size_t i = 0; i < cycles(6) / 6; ++i)
      CHECK(in_child([&] {
              begin();
              crowd::for_ever();
              std::thread([&] {
                const test::pestered thread;
                how.end();
              }).detach();
              member self(8);
              for (;;) self.meet_all();
              return 1;
            }) == how.expected);
  }
}

TEST_CASE("what runs at the end of a process reads regions whenever it was registered" LIFE_CYCLE) {
  for (const registered when : {registered::before, registered::after}) {
    CAPTURE(static_cast<int>(when));
    for (size_t i = 0; i < cycles(8) / 8; ++i) {
      for (const bool beside_others : {false, true}) {
        const auto end_by = [&](void (*end)(int), int readers) {
          return in_child([&, readers] {
            set_up(when);
            g_wanted = readers;
            if (beside_others) crowd::for_ever();
            const test::pestered thread;
            end(3);
            return 1;
          });
        };
        CHECK(end_by(exit, 4) == exited(42));
        CHECK(end_by(quick_exit, 1) == exited(42));
      }
    }
  }
}

TEST_CASE("a fault that is nobody's kills at the end of a process too" LIFE_CYCLE) {
  for (const registered when : {registered::before, registered::after}) {
    CHECK(in_child([&] {
            set_up(when);
            crowd::for_ever();
            g_later_reader = [] { (void)*g_heritage->self.missing(); };
            exit(3);
            return 1;
          }) == killed_by(SIGBUS));
  }
}
