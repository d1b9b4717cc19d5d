// SPDX-License-Identifier: MIT
//
// Call chains where something is in the way: a stack that was overwritten, libraries that come and go, fork.
#include <dlfcn.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <thread>

#include "backtrace/chains.h"
#include "support/each_entry.h"
#include "support/no_qemu.h"
#include "support/sampling.h"

using namespace test;

namespace {

// What may stand on a stack that was overwritten: anything, and what looks like the real thing.
uintptr_t garbage(std::mt19937_64& random, uintptr_t stack) {
  switch (random() % 6) {
    case 0:
      return 0;
    case 1:
      return reinterpret_cast<uintptr_t>(&qsort) + random() % 256;
    case 2:
      return reinterpret_cast<uintptr_t>(&deep) + random() % 256;
    case 3:
      return stack + random() % 4096;
    case 4:
      return reinterpret_cast<uintptr_t>(missing_page) + random() % 64;
    default:
      return random();
  }
}

// Overwrites the stack of all who called it, up to `top`. Does not return: there is nowhere to go.
[[noreturn]] OUTLINE void overwrite_and_fault(uintptr_t* top, uint64_t seed) {
  std::mt19937_64 random(seed);
  uintptr_t* const begin = static_cast<uintptr_t*>(__builtin_frame_address(0));
  for (volatile uintptr_t* at = begin; at < top; ++at) {
    *at = garbage(random, reinterpret_cast<uintptr_t>(begin));
  }
  fault_by_load();
  fault_by_load();
  CHILD_CHECK(!chain_of_event().empty());
  _exit(0);
}

void* plugin(const char* path = NOSIGBUS_TEST_PLUGIN) {
  void* const handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  CHILD_CHECK(handle != nullptr);
  return handle;
}

// Cuts off the loaded library's file behind its code. What the loader itself reads of it is gone, too.
dl_find_object cut_off_behind_code(void* handle, const std::string& path) {
  const void* const code = dlsym(handle, "plugin_calls");
  dl_find_object module;
  CHILD_CHECK(_dl_find_object(const_cast<void*>(code), &module) == 0);
  const auto begin = static_cast<const char*>(module.dlfo_map_start);
  const auto end = static_cast<const char*>(module.dlfo_eh_frame);
  const size_t length = static_cast<size_t>(end - begin) & ~(page_size() - 1);
  CHILD_CHECK(static_cast<size_t>(static_cast<const char*>(code) - begin) < length);
  std::filesystem::resize_file(path, length);
  return module;
}

// Asked of the loader, which is faster than reading symbols.
bool goes_through_plugin(const nosigbus::event& event) {
  for (size_t i = 1; i < event.chain_length; ++i) {
    Dl_info info;
    const void* const call = reinterpret_cast<const void*>(event.chain[i] - 1);
    if (dladdr(call, &info) != 0 && info.dli_sname != nullptr &&
        strcmp(info.dli_sname, "plugin_calls") == 0) {
      return true;
    }
  }
  return false;
}

using calls = int (*)(int (*)(void*), void*);
calls calls_of(void* handle) {
  const auto function = reinterpret_cast<calls>(dlsym(handle, "plugin_calls"));
  CHILD_CHECK(function != nullptr);
  return function;
}
int call_by_plugin(calls function) {
  return function([](void*) { return fault_by_load(); }, nullptr);
}

}  // namespace

// Sanitizers have an opinion about stacks.
TEST_CASE("a stack that was overwritten ends the chain and nothing else" NO_QEMU("no process_vm_readv") *
          doctest::skip(NOSIGBUS_TEST_SANITIZED)) {
  for (uint64_t seed = 0; seed < 200; seed += sampling()) {
    const outcome result = in_child([seed] {
      enter_by(entry::installed);
      CHILD_CHECK(begin());
      missing_region missing;
      std::thread([seed] {
        pthread_attr_t attributes;
        void* low;
        size_t size;
        CHILD_CHECK(pthread_getattr_np(pthread_self(), &attributes) == 0);
        CHILD_CHECK(pthread_attr_getstack(&attributes, &low, &size) == 0);
        // What belongs to the thread is at the top.
        uintptr_t* const top = reinterpret_cast<uintptr_t*>(static_cast<char*>(low) + size - 16384);
        unsigned char room[32768];
        asm volatile("" : : "r"(room) : "memory");
        overwrite_and_fault(top, seed);
      }).join();
      return 1;
    });
    CHECK(result == exited(0));
  }
}

TEST_CASE("threads fault while another one loads and unloads libraries" NO_QEMU("no process_vm_readv")) {
  in_each_entry(exited(0), [] {
    CHILD_CHECK(begin());
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&stop] {
        while (!stop.load()) {
          const shared_file file(page_size());
          const nosigbus::region region = make_region(origin::mapped, file, 2 * page_size());
          CHILD_CHECK(peek(region, page_size()) == 0);
        }
      });
    }
    for (size_t round = 0; round < 300 / sampling(); ++round) {
      void* const handle = plugin();
      {
        missing_region missing;
        call_by_plugin(calls_of(handle));
        bool found = false;
        nosigbus::dispatch([&](const nosigbus::event& event) {
          if (event.region != missing.region().get()) return;
          found = true;
          CHILD_CHECK(goes_through_plugin(event));
        });
        CHILD_CHECK(found);
      }
      CHILD_CHECK(dlclose(handle) == 0);
    }
    stop = true;
    for (std::thread& thread : threads) thread.join();
  });
}

// A sanitizer reads tables of its own in the library.
TEST_CASE("a library whose unwind information was cut off ends the chain" NO_QEMU("no process_vm_readv") *
          doctest::skip(NOSIGBUS_TEST_SANITIZED)) {
  in_each_entry(exited(0), [] {
    CHILD_CHECK(begin());
    const std::string copy = "/var/tmp/nosigbus-plugin." + std::to_string(getpid());
    std::filesystem::copy_file(NOSIGBUS_TEST_PLUGIN, copy);
    void* const handle = plugin(copy.c_str());
    const calls function = calls_of(handle);
    const dl_find_object module = cut_off_behind_code(handle, copy);
    std::filesystem::remove(copy);
    missing_region missing;
    call_by_plugin(function);
    // As far as the library, and no further.
    const chain found = chain_of_event();
    CHILD_CHECK(found.size() > 1);
    const auto last = reinterpret_cast<const char*>(found.back());
    CHILD_CHECK(last >= module.dlfo_map_start && last < module.dlfo_map_end);
  });
}

TEST_CASE("a child of fork collects chains of its own" NO_QEMU("no process_vm_readv")) {
  in_each_entry(exited(0), [] {
    CHILD_CHECK(begin());
    CHILD_CHECK(in_child([] {
                  CHILD_CHECK(nosigbus_event_fd() >= 0);
                  CHILD_CHECK(count(chain_by(fault_by_load, 4), "deep(") == 5);
                  return 0;
                }) == exited(0));
  });
}
