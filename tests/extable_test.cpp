// SPDX-License-Identifier: MIT
//
// Guarded instructions in other DSOs: their rows come and go with them.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <nosigbus/copy.h>
#include <nosigbus/extable.h>
#include <nosigbus/runtime.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "support/child.h"
#include "support/entry.h"
#include "support/shared_file.h"

using namespace test;

namespace {

using load_function = int (*)(const unsigned char*);

struct plugin {
  void* handle = dlopen(NOSIGBUS_TEST_PLUGIN, RTLD_NOW);
  load_function load =
      handle != nullptr ? reinterpret_cast<load_function>(dlsym(handle, "plugin_load")) : nullptr;

  const nosigbus_extable_row* rows() const {
    return reinterpret_cast<const nosigbus_extable_row* (*)()>(dlsym(handle, "plugin_rows"))();
  }
};

const unsigned char* bad_page() {
  shared_file file(page_size());
  const unsigned char* const data = file.map(page_size());
  file.resize(0);
  return data;
}

}  // namespace

TEST_CASE("an instruction of another DSO is guarded while the DSO is loaded") {
  for (const entry how : entries) {
    CHECK(in_child([how] {
            enter_by(how);
            const unsigned char* const bad = bad_page();
            const unsigned char good = 7;
            for (int i = 0; i < 100; ++i) {
              const plugin loaded;
              CHILD_CHECK(loaded.load != nullptr);
              CHILD_CHECK(loaded.load(&good) == 7);
              CHILD_CHECK(loaded.load(bad) == -1);
              CHILD_CHECK(nosigbus_last_fault()->address == reinterpret_cast<uintptr_t>(bad));
              CHILD_CHECK(dlclose(loaded.handle) == 0);
            }
            unsigned char byte;
            CHILD_CHECK(nosigbus_safe_read(&byte, bad, 1) == 0);  // our own rows are still there
            return 0;
          }) == exited(0));
  }
}

TEST_CASE("its faults kill once its rows are taken back") {
  CHECK(in_child([] {
          enter_by(entry::installed);
          const plugin loaded;
          const auto* const rows = loaded.rows();
          CHILD_CHECK(loaded.load(bad_page()) == -1);
          CHILD_CHECK(nosigbus_extable_unregister(rows) == 0);
          loaded.load(bad_page());
          return 0;
        }) == killed_by(SIGBUS));
}

TEST_CASE("registrations count, and nonsense is refused") {
  CHECK(in_child([] {
          enter_by(entry::installed);
          const plugin loaded;
          const auto* const rows = loaded.rows();
          CHILD_CHECK(nosigbus_extable_register(rows, rows + 1) == 0);
          CHILD_CHECK(nosigbus_extable_unregister(rows) == 0);
          CHILD_CHECK(loaded.load(bad_page()) == -1);
          CHILD_CHECK(nosigbus_extable_unregister(rows) == 0);
          CHILD_CHECK(nosigbus_extable_unregister(rows) == -ENOENT);
          CHILD_CHECK(nosigbus_extable_register(nullptr, rows) == -EINVAL);
          CHILD_CHECK(nosigbus_extable_register(rows, nullptr) == -EINVAL);
          CHILD_CHECK(nosigbus_extable_register(rows + 1, rows) == -EINVAL);
          return 0;
        }) == exited(0));
}

TEST_CASE("rows come and go while other threads fault") {
  CHECK(in_child([] {
          enter_by(entry::installed);
          const unsigned char* const bad = bad_page();
          std::atomic<bool> stop{false};
          std::atomic<int> faults{0};
          std::thread faulting([&] {
            unsigned char buffer[40];
            while (!stop) {
              CHILD_CHECK(nosigbus_safe_read(buffer, bad, sizeof buffer) == 0);
              ++faults;
            }
          });
          for (int i = 0; i < 500 || faults < 1000; ++i) {
            const plugin loaded;
            CHILD_CHECK(loaded.load(bad) == -1);
            CHILD_CHECK(dlclose(loaded.handle) == 0);
          }
          stop = true;
          faulting.join();
          return 0;
        }) == exited(0));
}
