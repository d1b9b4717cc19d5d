// SPDX-License-Identifier: MIT
//
// What this processor has of what the routines need, and what the system saves the registers of.
#pragma once

#include <cpuid.h>

namespace nosigbus::arch {

// The dynamic loader asks which routines the public ones are, before a sanitizer's runtime is ready. (clang
// 14 heeds one of these for AddressSanitizer, and the other for ThreadSanitizer.)
#if defined(__clang__)
#define UNINSTRUMENTED __attribute__((no_sanitize("address"), disable_sanitizer_instrumentation))
#else
#define UNINSTRUMENTED __attribute__((no_sanitize("address", "thread", "undefined")))
#endif

struct processor {
  bool asked;
  bool avx2;     // and the `tzcnt` of scans
  bool avx512;   // VL: in short copies and scans registers above 15 are narrower ones. BW, BMI2: the masks of
                 // scans
  bool strings;  // `rep movsb`, fast for short copies too: it beats vectors from a few KiB on
  bool vnni;     // AVX-VNNI
};

// Asked as seldom as can be: below a hypervisor each `cpuid` is a way out of the machine and back, 6 µs, and
// a process has to be started for less than 30 of them. Not libgcc's __builtin_cpu_supports, which needs that
// many. By macros: a sanitizer would look at what a function stores its results to.
UNINSTRUMENTED inline processor ask_processor() {
  processor found{.asked = true, .avx2 = false, .avx512 = false, .strings = false, .vnni = false};
  unsigned a, b, c, d;
  __cpuid(1, a, b, c, d);
  constexpr unsigned osxsave = 1u << 27, avx = 1u << 28;
  unsigned saved = 0;  // XCR0
  if ((c & (osxsave | avx)) == (osxsave | avx)) {
    asm("xgetbv" : "=a"(saved), "=d"(d) : "c"(0));
  } else {
    // Leaf 0xd describes XSAVE: who has that has leaf 7.
    unsigned highest;
    __cpuid(0, highest, b, c, d);
    if (highest < 7) return found;
  }
  constexpr unsigned vectors = 0x6, wide_vectors = 0xe6;

  unsigned subleaves, features;
  __cpuid_count(7, 0, subleaves, features, c, d);
  constexpr unsigned bmi = 1u << 3, avx2 = 1u << 5, bmi2 = 1u << 8;
  constexpr unsigned avx512f = 1u << 16, avx512bw = 1u << 30, avx512vl = 1u << 31;
  constexpr unsigned narrow = bmi | avx2, wide = narrow | bmi2 | avx512f | avx512bw | avx512vl;
  found.avx2 = (saved & vectors) == vectors && (features & narrow) == narrow;
  found.avx512 = (saved & wide_vectors) == wide_vectors && (features & wide) == wide;
  constexpr unsigned fast_short_rep_mov = 1u << 4;
  found.strings = (d & fast_short_rep_mov) != 0;

  if (!found.avx512 || subleaves == 0) return found;  // nobody else wants to know
  __cpuid_count(7, 1, a, b, c, d);
  constexpr unsigned avx_vnni = 1u << 4;
  found.vnni = (a & avx_vnni) != 0;
  return found;
}

// First called by the loader or before the constructors of programs, where there is one thread.
UNINSTRUMENTED inline const processor& this_processor() {
  static constinit processor known{};
  if (!known.asked) known = ask_processor();
  return known;
}

}  // namespace nosigbus::arch
