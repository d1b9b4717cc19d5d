// SPDX-License-Identifier: MIT

// Package nosigbus is nosigbus for Go: the handler, regions and guarded copies.
package nosigbus

/*
#cgo LDFLAGS: -lnosigbus
#include <nosigbus/copy.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <sys/mman.h>
*/
import "C"

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// CatchSegv is a flag of Install: guarded copies also survive SIGSEGV.
const CatchSegv = C.NOSIGBUS_CATCH_SEGV

// What the C side says in negative numbers.
func checked(result C.int) error {
	if result < 0 {
		return syscall.Errno(-result)
	}
	return nil
}

// Install installs the handler in front of the Go runtime's, which goes on getting what is not ours: nil
// pointers still panic.
func Install(flags uint) error { return checked(C.nosigbus_install(C.uint(flags))) }

// Check tells whether a SIGBUS reaches nosigbus. All threads of Go have it unblocked.
func Check() error { return checked(C.nosigbus_check()) }

// Rearm puts the handler back in front of whichever displaced it.
func Rearm() error { return checked(C.nosigbus_rearm()) }

// Region is a mapping of a file whose missing pages read as zeros.
type Region struct {
	raw *C.struct_nosigbus_region
}

// Map maps length bytes of a file for reading. It may be longer than the file, which may be closed afterwards.
func Map(file *os.File, length int) (*Region, error) {
	region := &Region{}
	err := checked(C.nosigbus_map(&region.raw, C.int(file.Fd()), 0, C.size_t(length), C.PROT_READ, 0))
	runtime.KeepAlive(file)
	if err != nil {
		return nil, err
	}
	return region, nil
}

// Bytes is the region's memory, until Close. Others may write to it at any time; nobody here may.
func (r *Region) Bytes() []byte {
	return unsafe.Slice((*byte)(C.nosigbus_region_data(r.raw)), C.nosigbus_region_size(r.raw))
}

// FirstBadOffset is the offset of the first byte that is zero because the file lacks it; false while the region
// is whole.
func (r *Region) FirstBadOffset() (uint64, bool) {
	var status C.struct_nosigbus_region_status
	C.nosigbus_region_status(r.raw, &status, C.sizeof_struct_nosigbus_region_status)
	return uint64(status.first_bad_offset), bool(status.overlaid)
}

// Refresh puts the file's pages back where it has grown again, and tells whether the region is whole now.
func (r *Region) Refresh() (bool, error) {
	result := C.nosigbus_region_refresh(r.raw)
	return result == 1, checked(result)
}

// Close unmaps the region. There is no finalizer: the garbage collector does not know who has its Bytes.
func (r *Region) Close() error {
	err := checked(C.nosigbus_region_release(r.raw))
	r.raw = nil
	return err
}

// SafeRead copies from memory that may be missing, and returns the number of bytes before the first bad one.
// The rest of dst is zeroed.
func SafeRead(dst, src []byte) int {
	n := len(dst)
	if len(src) < n {
		n = len(src)
	}
	if n == 0 {
		return 0
	}
	return int(C.nosigbus_safe_read(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), C.size_t(n)))
}
