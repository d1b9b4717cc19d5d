// SPDX-License-Identifier: MIT
//
// What belongs to one thread. Initial-exec: a lazily allocated thread-local must not be met first inside
// a signal handler.
#pragma once

#include <nosigbus/fault.h>

namespace nosigbus {

// What the thread's last guarded operation met. Written by the handler when it lands a fault, completed
// by the operation, read through nosigbus_last_fault(): all on this thread.
// Assembly routines clear its cause under this name.
extern constinit thread_local nosigbus_fault t_last_fault __asm__("nosigbus_last_fault_record");

// Set once before main; the granule of a fault that names none.
extern size_t g_page_size;

}  // namespace nosigbus
