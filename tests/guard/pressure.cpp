// SPDX-License-Identifier: MIT
//
// Guards in functions that have a use for every register and every shape of frame: what the caller keeps
// beyond a guard is as it was, however the guard ends. For variants_test.sh, which builds it in many ways;
// exits with the line that is wrong.
#include <alloca.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <nosigbus/nosigbus.hpp>
#include <string>

#define CHECK(condition)                     \
  do {                                       \
    if (!(condition)) _exit(__LINE__ % 255); \
  } while (false)

namespace {

volatile unsigned char* g_at[2];  // a good byte, a bad one

// The compiler knows nothing of the variable any more.
template <class T>
void unknown(T& x) {
  asm volatile("" : "+m"(x) : : "memory");
}

volatile unsigned char* make_bad() {
  const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const int fd = memfd_create("bad", 0);
  CHECK(fd >= 0 && ftruncate(fd, static_cast<off_t>(size)) == 0);
  void* const at = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(at != MAP_FAILED && ftruncate(fd, 0) == 0);
  return static_cast<volatile unsigned char*>(at);
}

__attribute__((noinline)) int deep(int which, int depth) {
  volatile long double room[5] = {1, 2, 3, 4, 5};
  if (depth == 0) return *g_at[which];
  return deep(which, depth - 1) + (room[depth % 5] > 9 ? 1 : 0);
}

// More values than there are registers of any kind, all of them used after each guard.
__attribute__((noinline)) void many_values(unsigned rounds) {
  long i[20];
  double d[20];
  float f[8];
  long double l[4];
  for (int n = 0; n < 20; ++n) i[n] = n + 1, d[n] = n + 0.5;
  for (int n = 0; n < 8; ++n) f[n] = static_cast<float>(n) + 0.25F;
  for (int n = 0; n < 4; ++n) l[n] = n + 0.125L;
  long i0 = i[0], i1 = i[1], i2 = i[2], i3 = i[3], i4 = i[4], i5 = i[5], i6 = i[6], i7 = i[7], i8 = i[8];
  double d0 = d[0], d1 = d[1], d2 = d[2], d3 = d[3], d4 = d[4], d5 = d[5], d6 = d[6], d7 = d[7], d8 = d[8];
  float f0 = f[0], f1 = f[1], f2 = f[2], f3 = f[3];
  long double l0 = l[0], l1 = l[1];
  for (long* x : {&i0, &i4, &i8}) unknown(*x);
  for (double* x : {&d0, &d4, &d8}) unknown(*x);
  for (long double* x : {&l0, &l1}) unknown(*x);
  long sum = 0, stopped = 0;
  for (unsigned round = 0; round < rounds; ++round) {
    const int which = round % 3 == 0 ? 1 : 0;
    const auto result = nosigbus::guard([&] { return deep(which, static_cast<int>(round % 7)); });
    if (!result) {
      ++stopped;
      sum += i0 * i1 + i8;
      CHECK(result.fault().address == reinterpret_cast<uintptr_t>(g_at[1]));
    } else {
      sum += i2 + i7 * *result;
    }
    i0 += 1, i3 += i0, i4 += i5 + i6, d0 += 1, d8 += d7, f0 += f1, l0 += l1;
    CHECK(d1 + d2 + d3 + d4 + d5 + d6 == 1.5 + 2.5 + 3.5 + 4.5 + 5.5 + 6.5);
    CHECK(f2 + f3 == 5.5F);
  }
  const long n = rounds;
  CHECK(stopped == (n + 2) / 3);
  CHECK(i0 == 1 + n && i4 == 5 + 13 * n && i3 == 4 + n + n * (n + 1) / 2);
  CHECK(d0 == 0.5 + static_cast<double>(n) && d8 == 8.5 + 7.5 * static_cast<double>(n));
  CHECK(l0 == 0.125L + 1.125L * static_cast<long double>(n));
  long wanted = 0;
  for (long r = 0; r < n; ++r) wanted += r % 3 == 0 ? (1 + r) * 2 + 9 : 3 + 8 * 'g';
  CHECK(sum == wanted);
}

// Used on one way out alone.
__attribute__((noinline)) long one_way(int which, long a, long b, long c) {
  const long x = a * 3 + b, y = b * 5 + c, z = c * 7 + a, u = x ^ y, v = y ^ z, w = z ^ x;
  if (nosigbus::guard([&] { return deep(which, 3); })) return x + y * 2 + z * 3;
  return u + v * 2 + w * 3;
}

// Frames that are addressed by something else than the stack pointer.
__attribute__((noinline)) long odd_frame(int which, size_t size, long a) {
  alignas(64) volatile long aligned[8] = {a, a + 1, a + 2};
  auto* const room = static_cast<volatile long*>(alloca(size * sizeof(long)));
  for (size_t n = 0; n < size; ++n) room[n] = a;
  bool ended = false;
  for (int i = 0; i < 2; ++i) {
    auto* const more = static_cast<volatile long*>(alloca(size));
    more[0] = i;
    ended = static_cast<bool>(nosigbus::guard([&] { room[0] = room[0] + deep(which, i) * 0 + 1; }));
    CHECK(more[0] == i);
  }
  long sum = aligned[0] + aligned[1] + aligned[2];
  for (size_t n = 0; n < size; ++n) sum += room[n];
  return ended ? sum : -sum;
}

// What the guarded code did before its fault stays done, in the caller's variables too.
__attribute__((noinline)) void effects(int which) {
  int before = 0, after = 0;
  std::string text;
  const auto result = nosigbus::guard([&]() -> std::string {
    before = 7;
    text = "a text that is long enough for memory of its own";
    deep(which, 2);
    after = 8;
    return text + text;
  });
  CHECK(before == 7 && text.size() == 48);
  CHECK(static_cast<bool>(result) == (which == 0) && after == (which == 0 ? 8 : 0));
  if (result) CHECK(*result == text + text);
}

struct counted {
  explicit counted(int& n) : count(n) { ++count; }
  ~counted() { --count; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  int& count;
};

// In scopes with destructors and handlers, nested, left by exceptions.
__attribute__((noinline)) void among_exceptions(int which, int value) {
  int alive = 0, caught = 0;
  {
    const counted here(alive);
    try {
      const counted there(alive);
      const auto outer = nosigbus::guard([&] {
        CHECK(static_cast<bool>(nosigbus::guard([&] { deep(which, 1); })) == (which == 0));
        const auto owned = std::make_unique<int>(value);
        nosigbus::guard([&] {
          if (value % 2 == 0) throw value;
        }).error();
      });
      CHECK(outer && value % 2 != 0);
    } catch (int thrown) {
      caught = thrown;
    }
    CHECK(alive == 1);
    CHECK(!nosigbus::guard([] { deep(1, 2); }));
  }
  CHECK(alive == 0 && caught == (value % 2 == 0 ? value : 0));
}

__attribute__((noinline)) int does_not_throw(int which) noexcept {
  return nosigbus::guard([&] { return deep(which, 1); }).error();
}

}  // namespace

int main() {
  static volatile unsigned char g_good = 'g';
  g_at[0] = &g_good;
  g_at[1] = make_bad();
  CHECK(nosigbus::install() == 0);
  many_values(100);
  for (int i = 0; i < 30; ++i) {
    CHECK(one_way(0, i, 2, 3) == (i * 3 + 2) + 2 * 13 + 3 * (21 + i));
    const long x = i * 3 + 2, y = 13, z = 21 + i;
    CHECK(one_way(1, i, 2, 3) == (x ^ y) + 2 * (y ^ z) + 3 * (z ^ x));
    const auto size = static_cast<size_t>(i) + 8;
    CHECK(odd_frame(0, size, i) == 3 * i + 3 + static_cast<long>(size) * i + 2);
    CHECK(odd_frame(1, size, i) == -(3 * i + 3 + static_cast<long>(size) * i));
    effects(i % 2);
    among_exceptions(i % 2, i / 2 + 2);
    CHECK(does_not_throw(0) == 0 && does_not_throw(1) != 0);
  }
  CHECK(nosigbus_guard_innermost == nullptr);
  return 0;
}
