// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
//
// What is wrong with a page of a region, by facts: the file's size, and what the kernel says of pages.
// All functions are called with the region's lock held.
#pragma once

#include <src/shared/region.h>
#include <sys/stat.h>

namespace nosigbus {

// Unknown outside of this process. Set once, before the first region is made.
extern constinit uint64_t g_secret;

struct verdict {
  nosigbus_cause cause;  // NOSIGBUS_NONE: the page can be accessed now
  interval missing;      // offsets in the region to overlay, whole granules
  uint64_t first_bad;    // offset of the first missing byte, as well as it is known
  bool by_size = false;  // as the descriptor told the file's size
};

// The region's descriptor, as long as it stands for the region's file: programs close what they do not know
// of, and the number can be another file's then. -1 otherwise. status, if not null: of the file. A program
// that closes it at this very moment, on another thread, is not protected from itself.
int descriptor_of(const region_descriptor& region, struct stat* status = nullptr);

// Size of the region's file in bytes, UINT64_MAX where it is not known.
uint64_t file_size(const region_descriptor& region);

// Bytes of the region that lie within a file of this size.
uint64_t bytes_within(const region_descriptor& region, uint64_t file_size);

// Whether the file supplies the page at this offset of the region. Where an overlay hides it, the shadow
// is asked; without a shadow, what was missing when it was overlaid counts as missing.
bool supplied(const region_descriptor& region, size_t page);

// Offset of the first page in [begin, end) that the file does not supply, `end` if none. Assumes that
// behind a missing page all are missing.
size_t first_missing(const region_descriptor& region, size_t begin, size_t end);

// Whether the access would go through now. Where the machine does not name it, the page has to be good for
// reading, and for writing where that is permitted at all: an access that is resumed for one kind and was of
// the other would fault for ever.
bool accessible(const region_descriptor& region, size_t page, nosigbus_access access);

// End of file, I/O error, or nothing any more.
verdict decide(const region_descriptor& region, size_t page, nosigbus_access access);

// Memory that the hardware lost, or a device behind it that does not answer: it can be mapped, so the
// kernel would find nothing wrong with the page.
verdict lost(const region_descriptor& region, const nosigbus_fault& fault, size_t page);

}  // namespace nosigbus
