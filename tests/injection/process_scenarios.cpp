// SPDX-License-Identifier: MIT
//
// Public functions that are about the process: its handler, its events, its rows.
#include <nosigbus/copy.h>
#include <nosigbus/events.h>
#include <nosigbus/extable.h>
#include <nosigbus/runtime.h>
#ifdef NOSIGBUS_TEST_BACKTRACE
#include <nosigbus/backtrace.h>
#endif
#include <poll.h>

#include <cerrno>

#include "scenario.h"
#include "scene.h"

namespace test {

namespace {

void add_runtime(std::vector<scenario>& all) {
  const auto uninstalled = [](std::string name, const char* row, std::function<void(stage&)> play) {
    return scenario{std::move(name), {row}, std::move(play), 0, false};
  };
  all.push_back(uninstalled("install", "`nosigbus_install`", [](stage& on) {
    const int error =
        on.observe(answers{0, {-ENOMEM}, true}, [] { return nosigbus_install(NOSIGBUS_CATCH_SEGV); });
    // What was taken before it failed is in force; all of it is with the next call.
    if (error != 0) CHILD_CHECK(nosigbus_install(NOSIGBUS_CATCH_SEGV) == 0);
    CHILD_CHECK(nosigbus_check() == 0);
    CHILD_CHECK(nosigbus_uninstall() == 0);
  }));
  all.push_back(uninstalled("uninstall", "`nosigbus_uninstall`", [](stage& on) {
    CHILD_CHECK(nosigbus_install(NOSIGBUS_CATCH_SEGV) == 0);
    const int error = on.observe(answers{0, {-EBUSY}, true}, [] { return nosigbus_uninstall(); });
    if (error != 0) CHILD_CHECK(nosigbus_uninstall() == 0);
    CHILD_CHECK(nosigbus_check() == -ENOENT);
  }));
  all.push_back({"check", {"`nosigbus_check`"}, [](stage& on) {
                   on.observe(answers{0, {-EBUSY, -EPERM}}, [] { return nosigbus_check(); });
                 }});
  all.push_back({"rearm", {"`nosigbus_rearm`"}, [](stage& on) {
                   catch_declined_faults();
                   const int error = on.observe(answers{0, {-ENOMEM}, true}, [] { return nosigbus_rearm(); });
                   if (error != 0) CHILD_CHECK(nosigbus_rearm() == 0);
                   CHILD_CHECK(nosigbus_check() == 0);
                 }});
  all.push_back({"stats", {"`nosigbus_stats`"}, [](stage& on) {
                   struct nosigbus_stats now;
                   on.observe(answers{0, {}}, [&] { return nosigbus_stats(&now, sizeof now); });
                 }});
}

bool is_readable(int fd) {
  pollfd what{fd, POLLIN, 0};
  return poll(&what, 1, 0) == 1;
}

int count_events() {
  return nosigbus_dispatch([](const nosigbus_event*, void*) { return 0; }, nullptr);
}

void add_events(std::vector<scenario>& all) {
  all.push_back({"event_fd: a region whose fault waits to be told", {"`nosigbus_event_fd`"}, [](stage& on) {
                   scene what({});
                   what.cut_off(1);
                   CHILD_CHECK(touch(what.at_page(2), 0) == touch_right);
                   const auto open = [] { return nosigbus_event_fd() >= 0 ? 0 : nosigbus_event_fd(); };
                   const int error = on.observe(answers{0, {-EMFILE, -ENFILE, -ENOMEM}, true}, [] {
                     const int fd = nosigbus_event_fd();
                     return fd < 0 ? fd : 0;
                   });
                   if (error != 0) CHILD_CHECK(open() == 0);
                   CHILD_CHECK(is_readable(nosigbus_event_fd()) || on.failing());
                   CHILD_CHECK(count_events() == 1);
                 }});
  all.push_back({"dispatch: nothing", {"`nosigbus_dispatch`"}, [](stage& on) {
                   CHILD_CHECK(nosigbus_event_fd() >= 0);
                   scene what({});
                   on.observe(answers{0, {-EBADF}, true}, count_events);
                 }});
  all.push_back({"dispatch: a fault and a file that shrank", {"`nosigbus_dispatch`"}, [](stage& on) {
                   CHILD_CHECK(nosigbus_event_fd() >= 0);
                   scene what({}), other({});
                   what.cut_off(1);
                   other.cut_off(2);
                   CHILD_CHECK(touch(what.at_page(2), 0) == touch_right);
                   int events = on.observe(answers{2, {0, 1, -EBADF}, true}, count_events);
                   // None is lost.
                   CHILD_CHECK(nosigbus_event_fd() >= 0);
                   const int more = count_events();
                   CHILD_CHECK(more >= 0);
                   CHILD_CHECK((events < 0 ? 0 : events) + more >= 1);
                 }});
  for (const char* const name : {"map", "release"}) {
    const bool maps = name[0] == 'm';
    const std::vector<std::string> rows{std::string("`nosigbus_") + (maps ? "map" : "region_release") +
                                        "`, with `nosigbus_event_fd`"};
    all.push_back({std::string(name) + ": somebody listens", rows, [maps](stage& on) {
                     CHILD_CHECK(nosigbus_event_fd() >= 0);
                     shared_file file(page_size());
                     nosigbus_region* region = nullptr;
                     const auto map = [&] {
                       return nosigbus_map(&region, file.fd(), 0, page_size(), PROT_READ, 0);
                     };
                     const int error = maps ? on.observe(answers{0, {-ENOMEM}, true}, map) : map();
                     if (error != 0) return;
                     const auto release = [&] { return nosigbus_region_release(region); };
                     maps ? release() : on.observe(answers{0, {}}, release);
                   }});
  }
}

int collect_nothing_size(void*, uintptr_t*, size_t) { return 0; }

void add_chains(std::vector<scenario>& all) {
  all.push_back({"collect_chains", {"`nosigbus_collect_chains`"}, [](stage& on) {
                   const auto collect = [](void* ucontext, uintptr_t* chain, size_t most) {
                     return static_cast<size_t>(collect_nothing_size(ucontext, chain, most));
                   };
                   on.observe(answers{0, {-ENOMEM}}, [&] { return nosigbus_collect_chains(collect); });
                   CHILD_CHECK(nosigbus_collect_chains(nullptr) == 0);
                 }});
#ifdef NOSIGBUS_TEST_BACKTRACE
  all.push_back({"backtrace_enable", {"`nosigbus_backtrace_enable`"}, [](stage& on) {
                   on.observe(answers{0, {-ENOMEM}, true}, [] { return nosigbus_backtrace_enable(); });
                   CHILD_CHECK(nosigbus_backtrace_disable() == 0);
                 }});
#endif
}

void add_rows(std::vector<scenario>& all) {
  all.push_back(
      {"extable_register and _unregister", {"`nosigbus_extable_register`, `_unregister`"}, [](stage& on) {
         static const nosigbus_extable_row rows[1000] = {};
         const int error =
             on.observe(answers{0, {-ENOMEM}}, [] { return nosigbus_extable_register(rows, rows + 1000); });
         if (error != 0) return;
         const int left = on.observe(answers{0, {-ENOMEM}}, [] { return nosigbus_extable_unregister(rows); });
         if (left != 0) CHILD_CHECK(nosigbus_extable_unregister(rows) == 0);
       }});
}

}  // namespace

std::vector<scenario> process_scenarios() {
  std::vector<scenario> all;
  add_runtime(all);
  add_events(all);
  add_chains(all);
  add_rows(all);
  return all;
}

}  // namespace test
