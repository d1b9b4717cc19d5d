// SPDX-License-Identifier: MIT
//
// Guards against what people write instead: sigsetjmp, and libwayland's brackets.
#include <nosigbus/guard.h>
#include <nosigbus/runtime.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <unistd.h>
#include <nosigbus/fiber.hpp>
#include <nosigbus/guard.hpp>

#include <cstdlib>

#include "bare_fault.h"
#include "buffers.h"
#include "pairs.h"
#include "wayland_shm.h"

namespace {

using bench::make_shared;
using bench::shared_buffer;

int nothing(void*) { return 0; }
int read_byte(void* at) { return *static_cast<volatile unsigned char*>(at); }

void enter_and_leave(benchmark::State& state) {
  unsigned char byte;
  for (auto _ : state) benchmark::DoNotOptimize(nosigbus::guard([] {}, &byte, 1).error());
}

void call_function(benchmark::State& state) {
  unsigned char byte;
  for (auto _ : state) benchmark::DoNotOptimize(nosigbus_guard(nothing, nullptr, &byte, 1, nullptr));
}

void set_jump(benchmark::State& state) {
  sigjmp_buf here;
  for (auto _ : state) benchmark::DoNotOptimize(sigsetjmp(here, 0));
}

void add_calls() {
  bench::add({"guard, entered and left", enter_and_leave, "sigsetjmp without mask", set_jump, 1 / 1.3});
  bench::add({"nosigbus_guard, entered and left", call_function, "sigsetjmp, no mask", set_jump});
  bench::add({"guard, entered and left beside brackets", enter_and_leave, "wl_shm begin + end_access",
              [](benchmark::State& state) {
                const bench::wayland_handler handler;
                static const shared_buffer file = make_shared(size_t{1} << 20);
                const bench::wayland_buffer buffer(file.fd, size_t{1} << 20);
                for (auto _ : state) {
                  wl_shm_buffer_begin_access(buffer.get());
                  wl_shm_buffer_end_access(buffer.get());
                }
              },
              3});
}

void add_fault() {
  static const shared_buffer file = make_shared(size_t{1} << 20);
  if (ftruncate(file.fd, 0) != 0) abort();
  bench::add({"guard, entered and left by a fault",
              [](benchmark::State& state) {
                nosigbus_install(0);
                nosigbus_fault fault;
                for (auto _ : state) nosigbus_guard(read_byte, file.data, nullptr, 0, &fault);
                nosigbus_uninstall();
              },
              "bare fault round trip", [](benchmark::State& state) { bench::bare_faults(state, file.data); },
              1 / 1.2});
}

void add_fiber() {
  static const shared_buffer file = make_shared(size_t{64} << 20);
  constexpr size_t page = 4096, size = size_t{64} << 20;
  if (ftruncate(file.fd, 0) != 0) abort();
  bench::add({"fiber: fault, host, filled, resumed",
              [](benchmark::State& state) {
                nosigbus_install(0);
                nosigbus::fiber reader([&] {
                  for (;;) {
                    for (size_t i = 0; i < size; i += page) read_byte(file.data + i);
                    // Once in 16384 faults, what was filled is missing again.
                    mmap(file.data, size, PROT_READ, MAP_SHARED | MAP_FIXED, file.fd, 0);
                  }
                });
                auto stop = reader.resume();
                for (auto _ : state) stop = reader.fill();
                reader.abandon().error();
                nosigbus_uninstall();
              },
              "bare fault round trip",
              [](benchmark::State& state) {
                mmap(file.data, size, PROT_READ, MAP_SHARED | MAP_FIXED, file.fd, 0);
                bench::bare_faults(state, file.data);
              },
              1.0 / 3});
}

const bool g_added = [] {
  add_calls();
  add_fault();
  add_fiber();
  return true;
}();

}  // namespace
