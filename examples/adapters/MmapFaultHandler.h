// SPDX-License-Identifier: MIT
//
// The interface of Firefox's MmapFaultHandler.h, over nosigbus: brackets around code that reads a mapped
// file. A fault in the file leaves the bracket, and the function returns what CATCH says.
//
//   MMAP_FAULT_HANDLER_BEGIN_BUFFER(data, length)
//   sum = checksum(data, length);
//   MMAP_FAULT_HANDLER_CATCH(-1)
//
// As with the original, it is left as by longjmp(3): no destructor of an object in the bracket, or below,
// runs, and local variables that the bracket changes are what they may be. The code in between may return.
//
// What differs: brackets of several files nest, and a fault belongs to the innermost of its file; a file may
// have 4 GiB and more; a fault elsewhere is handled as if there were no bracket, and those that come after
// it, too.
#pragma once

#include <nosigbus/recovery.h>
#include <setjmp.h>
#include <signal.h>

#include <cstddef>

class MmapAccessScope : private nosigbus_recovery_point {
 public:
  // The bytes whose faults are meant; none with size 0.
  MmapAccessScope(const void* buffer, size_t size);
  ~MmapAccessScope();
  MmapAccessScope(const MmapAccessScope&) = delete;
  MmapAccessScope& operator=(const MmapAccessScope&) = delete;

  // After a fault: puts back what the signal had changed, and tells the fault.
  const nosigbus_fault& Land();

  sigjmp_buf mJmpBuf;

 private:
  static int Leave(nosigbus_recovery_point* point, void* ucontext);

  sigset_t mMask;
  stack_t mAlternateStack;
};

// handle: a pointer, or what acts as one, to something with mFileStart and mTotalLen, as nsZipHandle; or
// null.
#define MMAP_FAULT_HANDLER_BEGIN_HANDLE(handle)                              \
  MMAP_FAULT_HANDLER_BEGIN_BUFFER((handle) ? (handle)->mFileStart : nullptr, \
                                  (handle) ? (handle)->mTotalLen : 0)
#define MMAP_FAULT_HANDLER_BEGIN_BUFFER(buffer, length) \
  {                                                     \
    MmapAccessScope mmapScope((buffer), (length));      \
    if (sigsetjmp(mmapScope.mJmpBuf, 0) == 0) {
// Nothing between the parentheses: in a function that returns nothing.
#define MMAP_FAULT_HANDLER_CATCH(retval) \
  }                                      \
  else {                                 \
    mmapScope.Land();                    \
    return retval;                       \
  }                                      \
  }
