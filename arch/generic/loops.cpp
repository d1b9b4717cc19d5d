// SPDX-License-Identifier: MIT
//
// Nothing here may call anything, nor have its address taken: context.h goes by that. No jump tables,
// therefore. All accesses are volatile or atomic, so that the compiler puts no memcpy in their place, and
// *done is stored between them.
#include "loops.h"

#include <src/shared/recovery_point.h>

// A sanitizer would call its own functions; as in assembly, it does not see these accesses.
#if defined(__clang__)
#define UNINSTRUMENTED __attribute__((disable_sanitizer_instrumentation))
#else
#define UNINSTRUMENTED __attribute__((no_sanitize("address", "thread", "undefined"), noclone))
#endif
#define GUARDED_CODE __attribute__((noinline, section("nosigbus_guarded_code"))) UNINSTRUMENTED
#define PART_OF_IT __attribute__((always_inline)) UNINSTRUMENTED

namespace {

using namespace nosigbus;
using arch::integer_access;

using any8 = uint8_t __attribute__((may_alias));
using any16 = uint16_t __attribute__((may_alias));
using any32 = uint32_t __attribute__((may_alias));
using any64 = uint64_t __attribute__((may_alias));

// From *done on, word by word, as far as whole words reach.
template <class Word>
PART_OF_IT inline void copy_words(volatile size_t* done, uintptr_t dst, uintptr_t src, size_t end) {
  for (size_t i = *done; end - i >= sizeof(Word); i += sizeof(Word)) {
    *reinterpret_cast<volatile Word*>(dst + i) = *reinterpret_cast<const volatile Word*>(src + i);
    *done = i + sizeof(Word);
  }
}

template <class Word>
PART_OF_IT inline void fill_words(volatile size_t* done, uintptr_t dst, uint64_t bytes, size_t end) {
  for (size_t i = *done; end - i >= sizeof(Word); i += sizeof(Word)) {
    *reinterpret_cast<volatile Word*>(dst + i) = static_cast<Word>(bytes);
    *done = i + sizeof(Word);
  }
}

PART_OF_IT inline size_t up_to_aligned(uintptr_t address, size_t alignment, size_t n) {
  const size_t head = -address & (alignment - 1);
  return head < n ? head : n;
}

template <class Word>
PART_OF_IT inline void access_word(integer_access& access) {
  auto* const at = reinterpret_cast<volatile Word*>(access.address);
  Word value = static_cast<Word>(access.value);
  if (access.what == NOSIGBUS_DO_LOAD) {
    value = *at;
  } else if (access.what == NOSIGBUS_DO_STORE) {
    *at = value;
  } else if (access.what == NOSIGBUS_DO_LOAD_ACQUIRE) {
    value = __atomic_load_n(at, __ATOMIC_ACQUIRE);
  } else if (access.what == NOSIGBUS_DO_STORE_RELEASE) {
    __atomic_store_n(at, value, __ATOMIC_RELEASE);
  }
  access.value = value;
}

// For those sizes that every machine has instructions for.
template <class Word>
PART_OF_IT inline void change_word(integer_access& access) {
  auto* const at = reinterpret_cast<volatile Word*>(access.address);
  Word value = static_cast<Word>(access.value);
  if (access.what == NOSIGBUS_DO_EXCHANGE) {
    value = __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);
  } else if (access.what == NOSIGBUS_DO_FETCH_ADD) {
    value = __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
  } else {
    access.swapped = __atomic_compare_exchange_n(at, &value, static_cast<Word>(access.desired), false,
                                                 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  }
  access.value = value;
}

}  // namespace

GUARDED_CODE void nosigbus_guarded_copy(volatile size_t* done, uintptr_t dst, uintptr_t src, size_t n) {
  recovery::enter_frame(__builtin_frame_address(0));
  const uintptr_t differ = dst ^ src;
  if (differ % sizeof(any64) == 0) {
    copy_words<any8>(done, dst, src, up_to_aligned(dst, sizeof(any64), n));
    copy_words<any64>(done, dst, src, n);
  } else if (differ % sizeof(any32) == 0) {
    copy_words<any8>(done, dst, src, up_to_aligned(dst, sizeof(any32), n));
    copy_words<any32>(done, dst, src, n);
  }
  copy_words<any8>(done, dst, src, n);
}

GUARDED_CODE void nosigbus_guarded_fill(volatile size_t* done, uintptr_t dst, uint64_t bytes, size_t n) {
  recovery::enter_frame(__builtin_frame_address(0));
  fill_words<any8>(done, dst, bytes, up_to_aligned(dst, sizeof(any64), n));
  fill_words<any64>(done, dst, bytes, n);
  fill_words<any8>(done, dst, bytes, n);
}

GUARDED_CODE void nosigbus_guarded_access(integer_access* access) {
  recovery::enter_frame(__builtin_frame_address(0));
  const bool changes = access->what >= NOSIGBUS_DO_EXCHANGE;
  if (access->size == sizeof(any8)) {
    access_word<any8>(*access);
  } else if (access->size == sizeof(any16)) {
    access_word<any16>(*access);
  } else if (access->size == sizeof(any32)) {
    changes ? change_word<any32>(*access) : access_word<any32>(*access);
  } else {
    changes ? change_word<any64>(*access) : access_word<any64>(*access);
  }
}
