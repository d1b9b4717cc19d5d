// SPDX-License-Identifier: MIT
//
// Guarded copies against memcpy, and against the system calls and the wrapper that people use instead.
#include <fcntl.h>
#include <nosigbus/copy.h>
#include <nosigbus/runtime.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "bare_fault.h"
#include "buffers.h"
#include "pairs.h"

namespace {

using bench::largest;
using bench::make_shared;
using bench::shared_buffer;
using bench::source;
using bench::target;

void add_hot(size_t n, size_t to, size_t from) {
  unsigned char* const dst = target() + to;
  const unsigned char* const src = source() + from;
  char name[80];
  snprintf(name, sizeof name, "safe_read %zu B, +%zu <- +%zu", n, to, from);
  bench::add({name, bench::calls(nosigbus_safe_read, dst, src, n), "memcpy",
              bench::calls(memcpy, dst, src, n), 0, "safe_read hot"});
}

void add_all_sizes() {
  bench::add_group("safe_read hot", 1.00, 0.93);
  for (size_t power = 1; power <= largest; power *= 2) {
    for (const size_t n : {power - 1, power, power + 1}) {
      if (n == 0 || (n == 1 && power == 2) || (n == 2 && power == 1) || (n == 3 && power == 2) || n > largest)
        continue;
      add_hot(n, 0, 64);
      add_hot(n, 5, 643);
    }
  }
}

// docs/decisions-copies.md, "The last vectors of a copy".
void add_page_ends() {
  for (const size_t n : {size_t{600}, size_t{1100}}) {
    for (const size_t behind : {size_t{4}, size_t{68}, size_t{132}, size_t{196}}) {
      constexpr size_t page = 4096;
      char name[80];
      snprintf(name, sizeof name, "safe_read %zu B, ends %zu B behind a page", n, behind);
      unsigned char* const dst = target() + 2 * page + behind - n;
      bench::add({name, bench::calls(nosigbus_safe_read, dst, source() + 643, n), "memcpy",
                  bench::calls(memcpy, dst, source() + 643, n), 0, ""});
    }
  }
}

sigjmp_buf g_way_out;
void leap(int) { siglongjmp(g_way_out, 1); }

// The technique of browsers: save the mask, set a way out, copy.
void copy_with_way_out(void* dst, const void* src, size_t n) {
  if (sigsetjmp(g_way_out, 1) == 0) memcpy(dst, src, n);
}

// Of a file that is mapped anew each time, which is no part of the copy.
template <class Copy>
bench::body first_touch(const shared_buffer& file, size_t n, Copy copy) {
  return [&file, n, copy](benchmark::State& state) {
    for (auto _ : state) {
      void* const cold = mmap(nullptr, n, PROT_READ, MAP_SHARED, file.fd, 0);
      bench::timed(state, [=] { copy(target(), cold, n); });
      munmap(cold, n);
    }
  };
}
// And where it is one.
template <class Copy>
bench::body mapped_and_read(const shared_buffer& file, size_t n, Copy copy) {
  return bench::loop([&file, n, copy] {
    void* const cold = mmap(nullptr, n, PROT_READ, MAP_SHARED, file.fd, 0);
    copy(target(), cold, n);
    munmap(cold, n);
  });
}

// Against pread, which needs no mapping. memcpy: what no copy that uses one is below.
void add_preads() {
  constexpr size_t n = size_t{8} << 20;
  static const shared_buffer file = make_shared(n);
  const auto by_pread = [] { benchmark::DoNotOptimize(pread(file.fd, target(), n, 0)); };
  const auto timed_pread = [by_pread](benchmark::State& state) {
    for (auto _ : state) bench::timed(state, by_pread);
  };
  const struct {
    const char* name;
    void (*copy)(void*, const void*, size_t);
    double hot, cold;
  } ways[] = {
      {"safe_read", [](void* to, const void* from, size_t size) { nosigbus_safe_read(to, from, size); }, 2.5,
       0.85},
      {"memcpy", [](void* to, const void* from, size_t size) { memcpy(to, from, size); }, 0, 0},
  };
  for (const auto& way : ways) {
    const std::string name = std::string(way.name) + " 8 MiB, ";
    bench::add({name + "hot", bench::loop([copy = way.copy] { copy(target(), file.data, n); }), "pread",
                bench::loop(by_pread), way.hot, ""});
    bench::add({name + "first touch", first_touch(file, n, way.copy), "pread", timed_pread, way.cold, "",
                bench::clock::inside});
    bench::add({name + "mapped and touched", mapped_and_read(file, n, way.copy), "pread",
                bench::loop(by_pread), 0, ""});
  }
}

void add_other_ways() {
  constexpr size_t n = size_t{8} << 20;
  static const shared_buffer file = make_shared(n);
  unsigned char* const dst = target();
  const auto by_process_vm = [=] {
    const iovec to{dst, n}, from{file.data, n};
    benchmark::DoNotOptimize(process_vm_readv(getpid(), &to, 1, &from, 1, 0));
  };
  bench::add({"safe_read 8 MiB", bench::loop([=] { nosigbus_safe_read(dst, file.data, n); }),
              "process_vm_readv", bench::loop(by_process_vm), 0, ""});
  bench::add({"safe_read 64 B", bench::loop([=] { nosigbus_safe_read(dst, file.data, 64); }),
              "sigsetjmp + memcpy", bench::loop([=] { copy_with_way_out(dst, file.data, 64); }), 0, ""});
}

// The damage of a window in a buffer of 1920 x 1080 pixels, copied into another.
void add_rectangle(size_t width, size_t height) {
  constexpr size_t pixel = 4, stride = 1920 * pixel;
  const size_t row_bytes = width * pixel;
  unsigned char* const dst = target() + 100 * stride + 300 * pixel;
  const unsigned char* const src = source() + 100 * stride + 300 * pixel;
  char name[80];
  snprintf(name, sizeof name, "safe_read_2d %zu x %zu of 1080p", width, height);
  const auto by_rows = [=] {
    for (size_t y = 0; y < height; ++y) memcpy(dst + y * stride, src + y * stride, row_bytes);
  };
  bench::add({name, bench::loop([=] { nosigbus_safe_read_2d(dst, stride, src, stride, row_bytes, height); }),
              "memcpy per row", bench::loop(by_rows), 0, "safe_read_2d"});
}

void add_rectangles() {
  bench::add_group("safe_read_2d", 1.00, 0);
  constexpr struct {
    size_t width, height;
  } damages[] = {{8, 16}, {32, 32}, {64, 64}, {200, 150}, {640, 480}, {1280, 720}, {1600, 900}};
  for (const auto& damage : damages) add_rectangle(damage.width, damage.height);
}

// The rest of the family.
void add_others() {
  for (const size_t n : {size_t{64}, size_t{4096}, size_t{1} << 20}) {
    const auto name = [n](const char* what) { return std::string(what) + " " + std::to_string(n) + " B"; };
    unsigned char* const dst = target();
    const unsigned char* const src = source();
    bench::add({name("safe_write"), bench::calls(nosigbus_safe_write, dst, src, n), "memcpy",
                bench::calls(memcpy, dst, src, n), 0, ""});
    bench::add({name("safe_copy"), bench::calls(nosigbus_safe_copy, dst, src, n), "memmove",
                bench::calls(memmove, dst, src, n), 0, ""});
    bench::add({name("safe_fill"), bench::calls(nosigbus_safe_fill, dst, size_t{3}, n), "memset",
                bench::calls(memset, dst, size_t{3}, n), 0, ""});
  }
}

void add_fault() {
  static const shared_buffer file = make_shared(size_t{1} << 20);
  if (ftruncate(file.fd, 0) != 0) abort();
  bench::add({"one fault caught",
              [](benchmark::State& state) {
                nosigbus_install(0);
                unsigned char byte;
                for (auto _ : state) nosigbus_safe_read(&byte, file.data, 1);
                nosigbus_uninstall();
              },
              "bare fault round trip", [](benchmark::State& state) { bench::bare_faults(state, file.data); },
              0.9, ""});
}

const bool g_added = [] {
  signal(SIGUSR2, leap);
  add_all_sizes();
  add_rectangles();
  add_others();
  add_page_ends();
  add_preads();
  add_other_ways();
  add_fault();
  return true;
}();

}  // namespace
