// SPDX-License-Identifier: MIT
//
// Inline operations in other DSOs: their rows come and go with them, by themselves.
#include <dlfcn.h>
#include <doctest/doctest.h>
#include <nosigbus/copy.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "inline/arena.h"
#include "support/entry.h"

using namespace test;

namespace {

struct plugin {
  void* handle = dlopen(NOSIGBUS_TEST_PLUGIN, RTLD_NOW);

  int load(const unsigned char* address) const {
    unsigned char out = 0x55;
    const int result = get<int (*)(const unsigned char*, unsigned char*)>("plugin_load")(address, &out);
    CHILD_CHECK(result == 0 || out == 0x55);
    return result;
  }
  const nosigbus_extable_row* rows() const { return get<const nosigbus_extable_row* (*)()>("plugin_rows")(); }

 private:
  template <class Function>
  Function get(const char* name) const {
    CHILD_CHECK(handle != nullptr);
    void* const symbol = dlsym(handle, name);
    CHILD_CHECK(symbol != nullptr);
    return reinterpret_cast<Function>(symbol);
  }
};

// Faults in this program's own operations until told to stop.
class faulting_threads {
 public:
  explicit faulting_threads(const unsigned char* bad) {
    for (std::thread& thread : threads_) {
      thread = std::thread([this, bad] {
        while (!stop_.load(std::memory_order_relaxed)) {
          uint64_t value = 0;
          CHILD_CHECK(nosigbus_safe_load64(bad, &value) == -EFAULT);
          faults_.fetch_add(1, std::memory_order_relaxed);
        }
      });
    }
  }
  ~faulting_threads() {
    stop_.store(true, std::memory_order_relaxed);
    for (std::thread& thread : threads_) thread.join();
  }
  unsigned faults() const { return faults_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<unsigned> faults_{0};
  std::thread threads_[2];
};

// The end of a process, drawn out: behind the program's other destructors (the header's have priority 101),
// in front of those of the DSOs; and behind those of the plugin.
bool g_linger = false;
void linger() {
  if (g_linger) usleep(20'000);
}
__attribute__((section(".fini_array.00100"), used)) void (*const g_lingers)() = linger;

}  // namespace

TEST_CASE("a DSO's operations are guarded from when it is loaded until it is unloaded") {
  for (const entry how : entries) {
    CHECK(in_child([how] {
            enter_by(how);
            const arena memory(badness::truncated);
            const plugin loaded;
            CHILD_CHECK(loaded.load(memory.good()) == 0);
            CHILD_CHECK(loaded.load(memory.bad()) == -EFAULT);
            CHILD_CHECK(nosigbus_last_fault()->address == reinterpret_cast<uintptr_t>(memory.bad()));
            const auto* const rows = loaded.rows();
            CHILD_CHECK(dlclose(loaded.handle) == 0);
            CHILD_CHECK(dlopen(NOSIGBUS_TEST_PLUGIN, RTLD_NOW | RTLD_NOLOAD) == nullptr);
            CHILD_CHECK(nosigbus_extable_unregister(rows) == -ENOENT);
            return 0;
          }) == exited(0));
  }
}

TEST_CASE("a DSO comes and goes a thousand times while other threads fault") {
  CHECK(in_child(
            [] {
              enter_by(entry::installed);
              const arena memory(badness::truncated);
              const faulting_threads others(memory.bad());
              for (int i = 0; i < 1000; ++i) {
                const plugin loaded;
                CHILD_CHECK(loaded.load(memory.bad()) == -EFAULT);
                const auto* const rows = loaded.rows();
                CHILD_CHECK(dlclose(loaded.handle) == 0);
                CHILD_CHECK(nosigbus_extable_unregister(rows) == -ENOENT);
              }
              while (others.faults() < 1000) std::this_thread::yield();
              return 0;
            },
            100) == exited(0));
}

TEST_CASE("a DSO's faults kill once its rows are taken back") {
  CHECK(in_child([] {
          enter_by(entry::installed);
          const arena memory(badness::truncated);
          const plugin loaded;
          CHILD_CHECK(loaded.load(memory.bad()) == -EFAULT);
          CHILD_CHECK(nosigbus_extable_unregister(loaded.rows()) == 0);
          return loaded.load(memory.bad());
        }) == killed_by(SIGBUS));
}

TEST_CASE("operations are guarded to the end of a process that exits while threads use them") {
  for (int i = 0; i < 5; ++i) {
    CHECK(in_child([]() -> int {
            enter_by(entry::installed);
            g_linger = true;
            const arena memory(badness::truncated);
            const plugin loaded;
            std::atomic<int> faults{0};
            std::thread([&] {
              for (;; faults.fetch_add(1, std::memory_order_relaxed)) {
                uint32_t value = 0;
                CHILD_CHECK(loaded.load(memory.bad()) == -EFAULT);
                CHILD_CHECK(nosigbus_safe_load32(memory.bad(), &value) == -EFAULT);
              }
            }).detach();
            while (faults.load(std::memory_order_relaxed) < 100) std::this_thread::yield();
            exit(7);
          }) == exited(7));
  }
}
