// SPDX-License-Identifier: MIT
//
// A region, read by the same ordinary reader as in the plain server. Only the mapping differs.
#include <sys/mman.h>

#include <nosigbus/nosigbus.hpp>

#include "blit.h"
#include "cause_name.h"
#include "read_path.h"

namespace demo::read_path {

const char* const name = "region";

struct buffer {
  nosigbus::region region;
  std::uint64_t faults = 0;
};

void buffer_deleter::operator()(buffer* attached) const { delete attached; }

int prepare() { return nosigbus::install(); }

buffer_ptr attach(int fd, std::size_t length, int& error) {
  // ABSORB_IO, because a client can fill its file system and hand over a file with holes.
  auto mapped = nosigbus::region::map(fd, 0, length, PROT_READ, NOSIGBUS_ABSORB_IO);
  error = -mapped.error();
  return mapped ? buffer_ptr(new buffer{*std::move(mapped)}) : nullptr;
}

outcome read(buffer& attached, const source& from, std::uint32_t* target, std::size_t target_stride) {
  nosigbus::region& region = attached.region;
  // New damage is the moment to look whether the file has grown back.
  if (region.status().overlaid) region.refresh();

  const auto* first = static_cast<const std::byte*>(region.data()) + from.offset;
  blit(target, target_stride, first, from.stride, from.width, from.height);

  const nosigbus::region_status status = region.status();
  const std::uint64_t faults = status.faults - attached.faults;
  attached.faults = status.faults;
  if (faults == 0 && !status.overlaid) return {0, nullptr};
  const char* cause = cause_name(status.cause);
  return {faults, cause != nullptr ? cause : cause_name(NOSIGBUS_EOF)};
}

std::uint64_t faults_absorbed() { return nosigbus::stats().absorbed; }

}  // namespace demo::read_path
