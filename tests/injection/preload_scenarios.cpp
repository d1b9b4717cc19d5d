// SPDX-License-Identifier: MIT
#include "preload_scenarios.h"

#include <setjmp.h>
#include <signal.h>

#include <cerrno>

#include "program_mapping.h"

namespace test {

namespace {

bool is_mapped(const void* at) { return msync(const_cast<void*>(at), page_size(), MS_ASYNC) == 0; }
int result_of(int result) { return result == 0 ? 0 : -errno; }
int result_of(const void* result) { return result == MAP_FAILED ? -errno : 0; }

const answers done{0, {}, true};

void add_faults(std::vector<scenario>& all) {
  all.push_back({"fault", {"a fault below the drop-in"}, [](stage& on) {
                   program_mapping what(false);
                   what.cut_off();
                   on.observe(answers{touch_right, {touch_declined}}, [&] { return what.touch_missing(); });
                   CHILD_CHECK(what.touch_missing() == touch_right);
                   CHILD_CHECK(what.front_is_right(on));
                 }});
  all.push_back({"fault: in what is damaged further behind", {"a fault below the drop-in"}, [](stage& on) {
                   program_mapping what(false);
                   what.cut_off(pages - 1);
                   CHILD_CHECK(touch(what.begin + (pages - 1) * page_size(), 0) == touch_right);
                   what.cut_off();
                   on.observe(answers{touch_right, {touch_declined}}, [&] { return what.touch_missing(); });
                   CHILD_CHECK(what.touch_missing() == touch_right);
                   CHILD_CHECK(what.front_is_right(on));
                 }});
}

// What the program is told that it did, it did; what failed, it did not do.
void add_calls(std::vector<scenario>& all, bool damaged) {
  const std::string suffix = damaged ? ": damaged" : "";
  const auto add = [&](const char* name, std::function<void(stage&, program_mapping&)> play) {
    const std::string row =
        std::string("`") + name + "`, " + (damaged ? "of what is damaged" : "with nothing damaged");
    all.push_back({name + suffix, {row}, [=](stage& on) {
                     program_mapping what(damaged);
                     play(on, what);
                   }});
  };
  add("munmap", [](stage& on, program_mapping& what) {
    const int error =
        on.observe(done, [&] { return result_of(munmap(what.begin, program_mapping::length())); });
    CHILD_CHECK(is_mapped(what.begin) == (error != 0));
  });
  add("mprotect", [](stage& on, program_mapping& what) {
    const int error =
        on.observe(done, [&] { return result_of(mprotect(what.begin, page_size(), PROT_READ)); });
    CHILD_CHECK(what.front_is_right(on));
    if (error == 0) CHILD_CHECK(touch_to_write(what.begin, 1) == touch_declined);
  });
  add("mremap", [](stage& on, program_mapping& what) {
    constexpr size_t longer = 2;
    const size_t length = program_mapping::length();
    void* moved = nullptr;
    const int error = on.observe(done, [&] {
      moved = mremap(what.begin, length, longer * length, MREMAP_MAYMOVE);
      return result_of(moved);
    });
    if (error == 0) what.begin = static_cast<unsigned char*>(moved);
    CHILD_CHECK(what.front_is_right(on));
    CHILD_CHECK(is_mapped(what.begin + length - page_size()));
    if (error == 0) CHILD_CHECK(munmap(what.begin + length, (longer - 1) * length) == 0);
  });
  add("mmap", [](stage& on, program_mapping& what) {
    const int error = on.observe(done, [&] {
      return result_of(mmap(what.begin, program_mapping::length(), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    });
    if (error != 0) return;
    // The program's own memory, which nobody puts anything over.
    for (size_t n = 0; n < pages; ++n) {
      unsigned char* const at = what.begin + n * page_size();
      CHILD_CHECK(touch(at, 0) == touch_right && touch_to_write(at, 7) == touch_right);
    }
  });
}

// Time for some turns of the healer.
bool heals_soon(const program_mapping& what) {
  return holds_within(250, [&what] { return what.is_whole(); });
}

void add_healing(std::vector<scenario>& all) {
  all.push_back({"healing", {"the healer's thread"}, [](stage& on) {
                   program_mapping what;
                   what.grow_back();
                   on.observe(answers{0, {}}, [&] { return heals_soon(what), 0; });
                   bool whole = what.is_whole();
                   for (int turn = 0; turn < 40 && !whole; ++turn) whole = heals_soon(what);
                   CHILD_CHECK(whole);
                 }});
  all.back().other_threads = true;
}

void do_nothing(int, siginfo_t*, void*) {}

void add_actions(std::vector<scenario>& all) {
  all.push_back({"sigaction", {"`sigaction` below the drop-in"}, [](stage& on) {
                   struct sigaction mine {
                   }, before{}, now{};
                   mine.sa_sigaction = do_nothing;
                   mine.sa_flags = SA_SIGINFO;
                   const int error =
                       on.observe(done, [&] { return result_of(sigaction(SIGBUS, &mine, &before)); });
                   CHILD_CHECK(sigaction(SIGBUS, nullptr, &now) == 0);
                   CHILD_CHECK((now.sa_sigaction == do_nothing) == (error == 0));
                   catch_declined_faults();
                   const program_mapping what;
                 }});
}

// A handler that does nothing about it; the kernel would call it without an end.
sigjmp_buf g_way_out;
volatile sig_atomic_t g_asked;
void give_up_late(int, siginfo_t*, void*) {
  g_asked = g_asked + 1;
  if (g_asked > 3) siglongjmp(g_way_out, 1);
}

int read_with_handler(const unsigned char* at) {
  g_asked = 0;
  if (sigsetjmp(g_way_out, 0) != 0) return touch_declined;
  const unsigned char seen = *const_cast<const volatile unsigned char*>(at);
  return seen == 0 ? touch_right : touch_wrong;
}

}  // namespace

std::vector<scenario> preload_scenarios() {
  std::vector<scenario> all;
  add_faults(all);
  add_calls(all, false);
  add_calls(all, true);
  add_healing(all);
  add_actions(all);
  for (scenario& each : all) each.installed = false;
  // Whom getpid(2) tells that it is somebody else, has a parent's memory (vfork), and changes nothing of it.
  all.back().foreign = {"getpid"};
  return all;
}

std::vector<scenario> preload_handler_scenarios() {
  const auto play = [](stage& on) {
    struct sigaction mine {};
    mine.sa_sigaction = give_up_late;
    mine.sa_flags = SA_SIGINFO | SA_NODEFER;
    CHILD_CHECK(sigaction(SIGBUS, &mine, nullptr) == 0);
    program_mapping what(false);
    what.cut_off();
    const unsigned char* const at = what.begin + 2 * page_size();
    on.observe(answers{touch_right, {touch_declined}}, [&] { return read_with_handler(at); });
    CHILD_CHECK(g_asked >= 1 || on.failing());
    CHILD_CHECK(read_with_handler(at) == touch_right);
  };
  return {{"fault: the program's handler is completed", {"a fault below the drop-in"}, play, 0, false}};
}

}  // namespace test
