// SPDX-License-Identifier: MIT

// Go code in a program of another language, which owns nosigbus. Built as c-shared and as c-archive.
package main

import "C"

import "unsafe"

// SumInGo adds up bytes, in Go.
//
//export SumInGo
func SumInGo(at unsafe.Pointer, size C.size_t) C.uint {
	total := C.uint(0)
	for _, each := range unsafe.Slice((*byte)(at), size) {
		total += C.uint(each)
	}
	return total
}

// RecoverFromNil is 1 when the panic of a nil pointer could be recovered from.
//
//export RecoverFromNil
func RecoverFromNil() (recovered C.int) {
	defer func() {
		if recover() != nil {
			recovered = 1
		}
	}()
	var none *C.int
	return *none
}

func main() {}
