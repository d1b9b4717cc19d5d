// SPDX-License-Identifier: MIT
//
// Guarded loads, stores and atomics at the call site against the plain ones.
#include <nosigbus/inline.h>

#include <cstdint>

#include "buffers.h"
#include "pairs.h"

namespace {

constexpr size_t count = 4096;

uint64_t* numbers() { return reinterpret_cast<uint64_t*>(bench::source()); }

// A loop over many, as a reader of shared memory has it: throughput, not latency.
template <class T, int (*Load)(const volatile void*, T*)>
T sum_guarded(const T* p) {
  T sum = 0, value;
  for (size_t i = 0; i < count; ++i) {
    if (Load(p + i, &value) != 0) return 0;
    sum += value;
  }
  return sum;
}
template <class T>
T sum_plain(const T* p) {
  T sum = 0;
  for (size_t i = 0; i < count; ++i) sum += *const_cast<const volatile T*>(p + i);
  return sum;
}

template <class T, int (*Load)(const volatile void*, T*)>
void add_loads(const char* name, double goal) {
  const T* const p = reinterpret_cast<const T*>(numbers());
  bench::add({name, bench::loop([=] { benchmark::DoNotOptimize(sum_guarded<T, Load>(p)); }), "volatile load",
              bench::loop([=] { benchmark::DoNotOptimize(sum_plain(p)); }), goal, ""});
}

void add_stores() {
  uint32_t* const p = reinterpret_cast<uint32_t*>(numbers());
  const auto guarded = [=] {
    for (size_t i = 0; i < count; ++i) {
      if (nosigbus_safe_store32(p + i, 1) != 0) return;
    }
  };
  const auto plain = [=] {
    for (size_t i = 0; i < count; ++i) const_cast<volatile uint32_t*>(p)[i] = 1;
  };
  bench::add(
      {"guarded store, 4096 x 32 bit", bench::loop(guarded), "volatile store", bench::loop(plain), 0, ""});
}

void add_atomics() {
  uint64_t* const p = numbers();
  const auto guarded = [=] {
    uint64_t old = 0;
    benchmark::DoNotOptimize(nosigbus_safe_fetch_add64(p, 1, &old));
    benchmark::DoNotOptimize(old);
  };
  bench::add({"guarded fetch_add, 64 bit", bench::loop(guarded), "fetch_add",
              bench::loop([=] { benchmark::DoNotOptimize(__atomic_fetch_add(p, 1, __ATOMIC_SEQ_CST)); }), 0,
              ""});
}

const bool g_added = [] {
  add_loads<uint32_t, nosigbus_safe_load32>("guarded load, 4096 x 32 bit", 0.98);
  add_loads<uint64_t, nosigbus_safe_load64>("guarded load, 4096 x 64 bit", 0.98);
  add_loads<uint8_t, nosigbus_safe_load8>("guarded load, 4096 x 8 bit", 0);
  add_stores();
  add_atomics();
  return true;
}();

}  // namespace
