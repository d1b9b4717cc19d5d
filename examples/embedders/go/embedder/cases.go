// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"

	"nosigbus.example/embedders/handlers"
	"nosigbus.example/embedders/nosigbus"
)

var cases = map[string]func(){
	"region":            readRegion,
	"region-goroutine":  func() { inGoroutine(readRegion) },
	"region-c":          readRegionInC,
	"race":              race,
	"deep":              func() { inGoroutine(deep) },
	"safe-read":         safeRead,
	"guard":             guard,
	"foreign":           func() { fmt.Println(sumFirst(newForeign())) },
	"foreign-goroutine": func() { inGoroutine(func() { fmt.Println(sumFirst(newForeign())) }) },
	"foreign-c":         func() { fmt.Println(handlers.SumInC(newForeign())) },
	"panic-on-fault":    panicOnFault,
	"nil":               dereferenceNil,
	"nil-goroutine":     func() { inGoroutine(dereferenceNil) },
	"notify":            notify,
	"sent":              func() { must(syscall.Kill(os.Getpid(), syscall.SIGBUS)); select {} },
	"stack":             stack,
	"check":             func() { fmt.Println("check:", number(nosigbus.Check())) },
	"owner":             owner,
}

func readRegion() {
	file, region := newRegion()
	defer region.Close()
	expect(sumFirst(region.Bytes()) == pages*fill, "the file")

	must(file.Truncate(page))
	expect(sumFirst(region.Bytes()) == fill, "zeros behind the first page")
	bad, cut := region.FirstBadOffset()
	expect(cut && bad == page, "where it ends")

	_, err := file.WriteAt(bytes.Repeat([]byte{fill}, size), 0)
	must(err)
	whole, err := region.Refresh()
	must(err)
	expect(whole && sumFirst(region.Bytes()) == pages*fill, "the file again")
}

// C code that Go calls reads it.
func readRegionInC() {
	file, region := newRegion()
	defer region.Close()
	must(file.Truncate(page))
	expect(handlers.SumInC(region.Bytes()) == page*fill, "zeros behind the first page")
}

// Goroutines that read while it happens. Each ends when it has met the missing part.
func race() {
	file, region := newRegion()
	defer region.Close()
	var readers sync.WaitGroup
	for i := 0; i < 8; i++ {
		readers.Add(1)
		go func() {
			defer readers.Done()
			for sumFirst(region.Bytes()) != fill {
				runtime.Gosched()
			}
		}()
	}
	must(file.Truncate(page))
	readers.Wait()
}

// A fault in each of many frames: wherever the end of a goroutine's small stack is, one is close to it.
func deep() {
	file, region := newRegion()
	defer region.Close()
	memory := region.Bytes()
	whole := bytes.Repeat([]byte{fill}, size)
	var descend func(depth int) int
	descend = func(depth int) int {
		if depth == 0 {
			return 0
		}
		var frame [40]byte
		must(file.Truncate(0))
		frame[depth%len(frame)] = memory[depth%size]
		met := frame[depth%len(frame)]
		_, err := file.WriteAt(whole, 0)
		must(err)
		_, err = region.Refresh()
		must(err)
		return int(met) + descend(depth-1) + int(frame[0]) - int(frame[0])
	}
	expect(descend(300) == 0, "zeros at each depth")
}

func safeRead() {
	memory := newForeign()
	copied := bytes.Repeat([]byte{1}, size)
	expect(nosigbus.SafeRead(copied, memory) == page, "the first page")
	expect(bytes.Equal(copied[page:], make([]byte, size-page)), "zeros behind it")
	expect(nosigbus.SafeRead(copied[:page], memory) == page, "no fault within it")
}

func guard() {
	memory := newForeign()
	_, good, err := handlers.GuardedSum(memory)
	expect(err == syscall.EFAULT && good == page, "the first page")
	sum, good, err := handlers.GuardedSum(memory[:page])
	expect(err == nil && good == page && sum == page*fill, "no fault within it")
}

// recovered returns what work panics with.
func recovered(work func()) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = reason.(error)
		}
	}()
	work()
	return nil
}

// The fault of a mapping that is not nosigbus's, as a panic.
func panicOnFault() {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	memory := newForeign()
	fmt.Println(recovered(func() { fmt.Println(sumFirst(memory)) }))
}

func dereferenceNil() {
	var none *struct{ number int }
	fmt.Println(recovered(func() { fmt.Println(none.number) }))
}

// The program asks for all signals, as many do.
func notify() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals)
	fmt.Println("check:", number(nosigbus.Check()))
	readRegion()
	signal.Reset()
	fmt.Println("check:", number(nosigbus.Check()))
	readRegion()
}

// How much of the runtime's signal stack the handler takes.
func stack() {
	runtime.LockOSThread()
	file, region := newRegion()
	defer region.Close()
	must(file.Truncate(0))
	size, err := handlers.MarkStack()
	must(err)
	expect(region.Bytes()[0] == 0, "zeros")
	used, err := handlers.UsedStack()
	must(err)
	fmt.Println(used, "of", size, "bytes")
}

func owner() {
	fmt.Println("SIGBUS:", handlers.Describe(syscall.SIGBUS))
	fmt.Println("SIGSEGV:", handlers.Describe(syscall.SIGSEGV))
}

func inGoroutine(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	<-done
}
