// SPDX-License-Identifier: MIT
//
// What the handler absorbs.
#include <nosigbus/copy.h>
#include <nosigbus/events.h>
#include <nosigbus/guard.h>
#include <nosigbus/runtime.h>
#include <setjmp.h>
#ifdef NOSIGBUS_TEST_BACKTRACE
#include <nosigbus/backtrace.h>
#endif

#include "scenario.h"
#include "scene.h"
#include "support/poison.h"
#include "support/small_filesystem.h"

namespace test {

namespace {

const answers absorbed{touch_right, {touch_declined}};
const answers declined{touch_declined, {}};

// A page of zeros, and in front of it what is left.
void read_zeros(stage& on, const scene& what, size_t page) {
  on.observe(absorbed, [&] { return touch(what.at_page(page), 0); });
  CHILD_CHECK(what.front_is_right(on));
}

void add_faults(std::vector<scenario>& all, const place& where) {
  const std::vector<std::string> rows{"a fault in a region"};
  const std::string suffix = ": " + describe(where);
  all.push_back({"read" + suffix, rows, [where](stage& on) {
                   scene what(where);
                   what.cut_off(1);
                   read_zeros(on, what, 2);
                 }});
  all.push_back({"read again further in front" + suffix, rows, [where](stage& on) {
                   scene what(where);
                   what.cut_off(3);
                   static_cast<void>(touch(what.at_page(3), 0));
                   what.cut_off(1);
                   read_zeros(on, what, 1);
                 }});
  all.push_back({"write" + suffix, rows, [where](stage& on) {
                   scene what(where);
                   what.cut_off(1);
                   const bool discards = (where.flags & NOSIGBUS_DISCARD_WRITES) != 0;
                   if (!discards) return read_zeros(on, what, 3);
                   on.observe(absorbed, [&] { return touch_to_write(what.at_page(2), 9); });
                 }});
}

void add_special_faults(std::vector<scenario>& all) {
  const std::vector<std::string> rows{"a fault in a region"};
  for (const origin from : origins) {
    const place writable{from, 0, PROT_READ | PROT_WRITE, 4};
    all.push_back({"write that is not absorbed: " + describe(writable), rows, [writable](stage& on) {
                     scene what(writable);
                     what.cut_off(1);
                     on.observe(declined, [&] { return touch_to_write(what.at_page(2), 9); });
                   }});
    const place large{from, 0, PROT_READ, 1024};
    all.push_back({"read: " + describe(large), rows, [large](stage& on) {
                     scene what(large);
                     what.cut_off(1);
                     read_zeros(on, what, 2);
                   }});
  }
  all.push_back({"safe_read in a region", rows, [](stage& on) {
                   scene what({});
                   what.cut_off(1);
                   unsigned char bytes[64];
                   on.observe(answers{64, {0}}, [&] {
                     return static_cast<int>(nosigbus_safe_read(bytes, what.at_page(2), sizeof bytes));
                   });
                 }});
}

// A file system that is full: the file reaches beyond the page.
void add_input_output_errors(std::vector<scenario>& all) {
  for (const unsigned flags : {unsigned{NOSIGBUS_ABSORB_IO}, 0u}) {
    for (const bool with_fd : {true, false}) {
      const std::string name = std::string(flags != 0 ? "read" : "read that is not absorbed") +
                               ": full file system" + (with_fd ? "" : " without fd");
      all.push_back({name, {"a fault in a region"}, [flags, with_fd](stage& on) {
                       small_filesystem filesystem(32);
                       const int fd = filesystem.create();
                       const size_t length = 4 * page_size();
                       CHILD_CHECK(ftruncate(fd, static_cast<off_t>(length)) == 0);
                       write_pattern(fd, 3 * page_size(), length);
                       filesystem.fill();
                       void* const address = mmap(nullptr, length, PROT_READ, MAP_SHARED, fd, 0);
                       nosigbus_region* region = nullptr;
                       CHILD_CHECK(nosigbus_adopt(&region, address, length, with_fd ? fd : -1, flags) == 0);
                       // A wrong look at the file's end is absorbed as one.
                       on.observe(flags != 0 ? absorbed : answers{touch_declined, {touch_right}},
                                  [&] { return touch(static_cast<char*>(address) + page_size(), 0); });
                       // What the file has is not hidden.
                       CHILD_CHECK(on.mappings_failed() ||
                                   touch(static_cast<char*>(address) + 3 * page_size(),
                                         pattern(3 * page_size())) == touch_right);
                       CHILD_CHECK(nosigbus_region_release(region) == 0);
                       munmap(address, length);
                       close(fd);
                     }});
    }
  }
}

void add_events(std::vector<scenario>& all) {
  all.push_back({"read: somebody listens", {"the same, with `nosigbus_event_fd`"}, [](stage& on) {
                   CHILD_CHECK(nosigbus_event_fd() >= 0);
                   scene what({});
                   what.cut_off(1);
                   read_zeros(on, what, 2);
                 }});
#ifdef NOSIGBUS_TEST_BACKTRACE
  all.push_back({"read: chains are collected", {"the same, with `nosigbus_backtrace_enable`"}, [](stage& on) {
                   CHILD_CHECK(nosigbus_backtrace_enable() == 0);
                   scene what({});
                   what.cut_off(1);
                   read_zeros(on, what, 2);
                 }});
#endif
}

volatile unsigned char* cut_off_page(shared_file& file) {
  unsigned char* const address = file.map(2 * page_size(), PROT_READ | PROT_WRITE);
  file.resize(page_size());
  return address + page_size();
}

void add_operations(std::vector<scenario>& all) {
  const std::vector<std::string> rows{
      "a fault in a guarded operation, below a guard or another recovery point"};
  all.push_back({"safe_read", rows, [](stage& on) {
                   shared_file file(2 * page_size());
                   volatile unsigned char* const bad = cut_off_page(file);
                   unsigned char bytes[64];
                   on.observe(answers{0, {}}, [&] {
                     return static_cast<int>(nosigbus_safe_read(bytes, const_cast<unsigned char*>(bad), 64));
                   });
                   munmap(const_cast<unsigned char*>(bad) - page_size(), 2 * page_size());
                 }});
  all.push_back({"guard", rows, [](stage& on) {
                   shared_file file(2 * page_size());
                   volatile unsigned char* const bad = cut_off_page(file);
                   const auto read = [](void* at) -> int {
                     return *static_cast<volatile unsigned char*>(at);
                   };
                   on.observe(answers{-EFAULT, {}}, [&] {
                     return nosigbus_guard(read, const_cast<unsigned char*>(bad), nullptr, 0, nullptr);
                   });
                   munmap(const_cast<unsigned char*>(bad) - page_size(), 2 * page_size());
                 }});
}

// The handler of ours that asks, when the overlay has gone in between.
stage* g_stage = nullptr;
scene* g_scene = nullptr;
sigjmp_buf g_declined;

void refresh_and_ask(int signo, siginfo_t* info, void* ucontext) {
  g_scene->grow_back();
  CHILD_CHECK(nosigbus_region_refresh(g_scene->region) == 1);
  const int answer =
      g_stage->observe(answers{1, {0}}, [&] { return nosigbus_handle_signal(signo, info, ucontext); });
  if (answer == 0) siglongjmp(g_declined, 1);
}

void add_writes_to_overlays(std::vector<scenario>& all) {
  const std::vector<std::string> rows{"a guarded write to an overlay"};
  const place writable{origin::mapped, 0, PROT_READ | PROT_WRITE, 4};
  all.push_back({"safe_write", rows, [writable](stage& on) {
                   scene what(writable);
                   what.cut_off(1);
                   CHILD_CHECK(touch(what.at_page(2), 0) == touch_right);
                   const unsigned char byte = 1;
                   on.observe(answers{0, {}}, [&] {
                     return static_cast<int>(nosigbus_safe_write(what.at_page(2), &byte, 1));
                   });
                 }});
  all.push_back({"safe_write: the overlay has just gone", rows, [writable](stage& on) {
                   scene what(writable);
                   what.cut_off(1);
                   CHILD_CHECK(touch(what.at_page(2), 0) == touch_right);
                   g_stage = &on;
                   g_scene = &what;
                   struct sigaction action {
                   }, before{};
                   action.sa_sigaction = refresh_and_ask;
                   action.sa_flags = SA_SIGINFO;
                   CHILD_CHECK(sigaction(SIGSEGV, &action, &before) == 0);
                   const unsigned char byte = 1;
                   if (sigsetjmp(g_declined, 1) == 0) nosigbus_safe_write(what.at_page(2), &byte, 1);
                   CHILD_CHECK(sigaction(SIGSEGV, &before, nullptr) == 0);
                 }});
}

}  // namespace

scenario poison_scenario() {
  return {"read: a page that the hardware lost", {"a fault in a region"}, [](stage& on) {
            scene what({origin::mapped, NOSIGBUS_ABSORB_POISON, PROT_READ | PROT_WRITE, 4});
            CHILD_CHECK(poison(what.at_page(2)) == 0);
            on.observe(absorbed, [&] { return touch(what.at_page(2), 0); });
          }};
}

std::vector<scenario> handler_scenarios() {
  std::vector<scenario> all;
  for (const place& where : all_places()) add_faults(all, where);
  add_special_faults(all);
  if (file_systems_can_be_mounted()) add_input_output_errors(all);
  add_events(all);
  add_operations(all);
  add_writes_to_overlays(all);
  return all;
}

}  // namespace test
