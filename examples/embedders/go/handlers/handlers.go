// SPDX-License-Identifier: MIT

// Package handlers is what is in common for Go, and C code that reads memory.
package handlers

/*
#cgo LDFLAGS: -lembedders_handlers -lnosigbus
#include "guarded.h"
#include "handlers.h"

static unsigned sum(const volatile unsigned char* bytes, size_t size) {
  unsigned total = 0;
  for (size_t i = 0; i < size; ++i) total += bytes[i];
  return total;
}
*/
import "C"

import (
	"syscall"
	"unsafe"
)

func checked(result C.int) error {
	if result < 0 {
		return syscall.Errno(-result)
	}
	return nil
}

// Own makes the program the owner of SIGBUS and SIGSEGV, with nosigbus first.
func Own() error { return checked(C.handlers_own()) }

// ReportCrashes installs a handler that knows nothing of nosigbus.
func ReportCrashes() error { return checked(C.handlers_report_crashes()) }

// Describe tells what the action of a signal is.
func Describe(signal syscall.Signal) string {
	var text [64]C.char
	if err := checked(C.handlers_describe(C.int(signal), &text[0], C.size_t(len(text)))); err != nil {
		return err.Error()
	}
	return C.GoString(&text[0])
}

// MarkStack marks the thread's signal stack, and returns its size. The goroutine is locked to its thread.
func MarkStack() (int, error) {
	var size C.size_t
	err := checked(C.handlers_mark_stack(&size))
	return int(size), err
}

// UsedStack tells how much of the signal stack has been used since MarkStack.
func UsedStack() (int, error) {
	used := C.handlers_used_stack()
	if used < 0 {
		return 0, syscall.Errno(-used)
	}
	return int(used), nil
}

// SumInC adds up bytes, in C.
func SumInC(bytes []byte) uint {
	return uint(C.sum((*C.uchar)(unsafe.Pointer(&bytes[0])), C.size_t(len(bytes))))
}

// GuardedSum adds up bytes, in C below a guard. It returns how many there are before the first that is missing.
func GuardedSum(bytes []byte) (sum int, good int, err error) {
	var bad C.size_t
	total := C.guarded_sum(unsafe.Pointer(&bytes[0]), C.size_t(len(bytes)), &bad)
	if total < 0 {
		return 0, int(bad), syscall.Errno(-total)
	}
	return int(total), int(bad), nil
}
