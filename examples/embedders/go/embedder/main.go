// SPDX-License-Identifier: MIT

// A Go program and the faults of its mappings: embedder-go MODE CASE.
//
// MODE says who handles SIGBUS (modes), CASE what happens then (cases). docs/embedding.md has the results.
package main

import (
	"bytes"
	"fmt"
	"os"
	"syscall"

	"nosigbus.example/embedders/handlers"
	"nosigbus.example/embedders/nosigbus"
)

const (
	page  = 4096
	pages = 16
	size  = page * pages
	fill  = 0x5a
)

// Who gets a SIGBUS first. The runtime has installed its handlers before main.
var modes = map[string]func() error{
	"none":      func() error { return nil },
	"installed": func() error { return nosigbus.Install(0) },
	"segv":      func() error { return nosigbus.Install(nosigbus.CatchSegv) },
	"own":       handlers.Own,
	"displaced": displaced,
	"rearmed": func() error {
		if err := displaced(); err != nil {
			return err
		}
		return nosigbus.Rearm()
	},
}

func displaced() error {
	if err := nosigbus.Install(0); err != nil {
		return err
	}
	return handlers.ReportCrashes()
}

// A file without a name, full of fill.
func newFile() *os.File {
	file, err := os.CreateTemp("", "embedder-go")
	must(err)
	must(os.Remove(file.Name()))
	_, err = file.Write(bytes.Repeat([]byte{fill}, size))
	must(err)
	return file
}

func newRegion() (*os.File, *nosigbus.Region) {
	file := newFile()
	region, err := nosigbus.Map(file, size)
	must(err)
	return file, region
}

// A mapping that nosigbus knows nothing of, of which one page is left.
func newForeign() []byte {
	file := newFile()
	defer file.Close()
	mapped, err := syscall.Mmap(int(file.Fd()), 0, size, syscall.PROT_READ, syscall.MAP_SHARED)
	must(err)
	must(file.Truncate(page))
	return mapped
}

// Adds up the byte of each page that says whether it is the file's.
func sumFirst(memory []byte) int {
	total := 0
	for at := 0; at < len(memory); at += page {
		total += int(memory[at])
	}
	return total
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func expect(condition bool, what string) {
	if !condition {
		panic("expected: " + what)
	}
}

func number(err error) int {
	if errno, ok := err.(syscall.Errno); ok {
		return int(errno)
	}
	return 0
}

func main() {
	if len(os.Args) != 3 || modes[os.Args[1]] == nil || cases[os.Args[2]] == nil {
		fmt.Fprintln(os.Stderr, "usage: embedder-go MODE CASE")
		os.Exit(64)
	}
	must(modes[os.Args[1]]())
	cases[os.Args[2]]()
}
