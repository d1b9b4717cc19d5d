// SPDX-License-Identifier: MIT

// The checked siglongjmp takes a way off an alternate stack for an attack where it does not know the stack.
#undef _FORTIFY_SOURCE

#include "MmapFaultHandler.h"

#include <nosigbus/runtime.h>
#include <ucontext.h>

#include <cstdint>
#include <cstring>

MmapAccessScope::MmapAccessScope(const void* buffer, size_t size) : nosigbus_recovery_point{} {
  static const int g_installed = nosigbus_install(0);
  static_cast<void>(g_installed);
  begin = reinterpret_cast<uintptr_t>(buffer);
  length = size;
  recover = Leave;
  // A point of length 0 would be for any address.
  if (length != 0) nosigbus_recovery_begin(this);
}

MmapAccessScope::~MmapAccessScope() {
  if (length != 0) nosigbus_recovery_end(this);
}

// Inside the signal handler.
int MmapAccessScope::Leave(nosigbus_recovery_point* point, void* ucontext) {
  MmapAccessScope& scope = *static_cast<MmapAccessScope*>(point);
  const ucontext_t& context = *static_cast<const ucontext_t*>(ucontext);
  // The kernel's 64 signals come first in the C library's larger set.
  sigemptyset(&scope.mMask);
  memcpy(&scope.mMask, &context.uc_sigmask, sizeof(uint64_t));
  scope.mAlternateStack = context.uc_stack;
  siglongjmp(scope.mJmpBuf, 1);
}

const nosigbus_fault& MmapAccessScope::Land() {
  // Brackets within this one were left without a word.
  nosigbus_recovery_exchange(this);
  // Linux takes an alternate stack with SS_AUTODISARM away while a handler runs; any other is still what it
  // was.
  sigaltstack(&mAlternateStack, nullptr);
  pthread_sigmask(SIG_SETMASK, &mMask, nullptr);
  return fault;
}
