// SPDX-License-Identifier: MIT
#include "backtrace_scenarios.h"

#include <nosigbus/backtrace.h>
#include <nosigbus/events.h>
#include <ucontext.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "backtrace/chains.h"
#include "scene.h"

namespace test {

namespace {

// A chain ends early where its stack or its code cannot be read. It says nothing that is not so.
bool is_beginning(const chain& some, const chain& all) {
  return !some.empty() && some.size() <= all.size() && std::equal(some.begin(), some.end(), all.begin());
}

// Of the event of a fault, with what there is to be told besides.
chain next_chain() {
  chain found;
  const auto take = [](const nosigbus_event* event, void* out) {
    if (event->chain_length != 0) {
      static_cast<chain*>(out)->assign(event->chain, event->chain + event->chain_length);
    }
    return 0;
  };
  CHILD_CHECK(nosigbus_dispatch(take, &found) >= 0);
  return found;
}

struct nobody : stage {
  void begin() override {}
  void end() override {}
  int judge(const answers&, int answer) override { return answer; }
  bool failing() const override { return false; }
  bool mappings_failed() const override { return false; }
};

OUTLINE int read_missing(stage& on, const scene& what) {
  on.begin();
  const int answer = touch(what.at_page(2), 0);
  on.end();
  return answer;
}

// Twice from the same place; what the second time finds is observed.
void collect_in_handler(stage& on) {
  CHILD_CHECK(nosigbus_event_fd() >= 0 && nosigbus_backtrace_enable() == 0);
  scene what({});
  nobody unobserved;
  stage* const observers[] = {&unobserved, &on};
  chain found[2];
  const volatile int turns[] = {0, 1};  // volatile: one place that calls, not two
  for (const volatile int* turn = turns; turn != turns + 2; ++turn) {
    what.cut_off(1);
    stage& observer = *observers[*turn];
    const int answer = observer.judge(answers{touch_right, {touch_declined}}, read_missing(observer, what));
    if (answer != touch_right) return;
    found[*turn] = next_chain();
    what.grow_back();
    CHILD_CHECK(nosigbus_region_refresh(what.region) == 1);
    next_chain();
  }
  CHILD_CHECK(found[0].size() > 2 && is_beginning(found[1], found[0]));
  CHILD_CHECK(on.failing() || found[1] == found[0]);
}

void add_collecting(std::vector<scenario>& all) {
  const std::string in_handler = "the same, with `nosigbus_backtrace_enable`";
  all.push_back({"a chain of a fault in a region",
                 {in_handler, "the same, with `nosigbus_event_fd`"},
                 collect_in_handler});
  all.push_back({"backtrace_collect", {"`nosigbus_backtrace_collect`"}, [](stage& on) {
                   CHILD_CHECK(nosigbus_backtrace_enable() == 0);
                   ucontext_t here;
                   CHILD_CHECK(getcontext(&here) == 0);
                   uintptr_t room[64];
                   const size_t whole = nosigbus_backtrace_collect(&here, room, 64);
                   const chain expected(room, room + whole);
                   CHILD_CHECK(whole > 2);
                   on.begin();
                   const size_t length = nosigbus_backtrace_collect(&here, room, 64);
                   on.end();
                   on.judge(answers{1, {}}, is_beginning(chain(room, room + length), expected));
                   CHILD_CHECK(on.failing() || length == whole);
                 }});
  all.push_back({"backtrace_enable: again", {"`nosigbus_backtrace_enable`"}, [](stage& on) {
                   CHILD_CHECK(nosigbus_backtrace_enable() == 0);
                   on.observe(answers{0, {-ENOMEM}, true}, [] { return nosigbus_backtrace_enable(); });
                   CHILD_CHECK(nosigbus_backtrace_disable() == 0);
                 }});
}

// Of the program, of a library, and of none.
chain some_addresses() {
  static char nothing;
  return {reinterpret_cast<uintptr_t>(&read_missing) + 1, reinterpret_cast<uintptr_t>(&nosigbus_dispatch) + 1,
          reinterpret_cast<uintptr_t>(&nothing), 1};
}

struct naming {
  const std::vector<named>* right;
  size_t frames = 0;
  bool wrong = false;
};

// Nothing, or what is right.
int compare_name(const nosigbus_frame* frame, void* user) {
  naming& all = *static_cast<naming*>(user);
  const named& right = (*all.right)[all.frames++];
  const auto differs = [](const char* text, const std::string& expected) {
    return text != nullptr && text != expected;
  };
  if (differs(frame->function, right.function) || differs(frame->module, right.module) ||
      differs(frame->file, right.file)) {
    all.wrong = true;
  }
  return 0;
}

void describe_addresses(stage& on) {
  const chain addresses = some_addresses();
  const std::vector<named> right = describe(addresses);
  naming seen{&right};
  on.observe(answers{static_cast<int>(addresses.size()), {-ENOMEM}}, [&] {
    return nosigbus_backtrace_describe(addresses.data(), addresses.size(), compare_name, &seen);
  });
  CHILD_CHECK(!seen.wrong);
}

void print_event(stage& on) {
  shared_file to(0), file(page_size());
  nosigbus_region* region = nullptr;
  CHILD_CHECK(nosigbus_map(&region, file.fd(), 0, page_size(), PROT_READ, 0) == 0);
  const chain addresses = some_addresses();
  nosigbus_event event{};
  event.region = region;
  event.what = NOSIGBUS_EVENT_FAULT;
  event.chain = addresses.data();
  event.chain_length = addresses.size();
  const int error =
      on.observe(answers{0, {-ENOMEM}, true}, [&] { return nosigbus_event_print(&event, to.fd()); });
  char text[4096] = "";
  CHILD_CHECK(pread(to.fd(), text, sizeof text - 1, 0) >= 0);
  // All of it, where it says so.
  if (error == 0) CHILD_CHECK(std::count(text, text + strlen(text), '\n') == 5);
  CHILD_CHECK(nosigbus_region_release(region) == 0);
}

}  // namespace

std::vector<scenario> backtrace_scenarios() {
  std::vector<scenario> all;
  add_collecting(all);
  all.push_back({"backtrace_describe",
                 {"`nosigbus_backtrace_describe`"},
                 describe_addresses,
                 0,
                 true,
                 {},
                 {"read", "pread64"},
                 true});
  all.push_back(
      {"event_print", {"`nosigbus_event_print`"}, print_event, 0, true, {}, {"read", "pread64", "write"}});
  return all;
}

}  // namespace test
