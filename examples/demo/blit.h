// SPDX-License-Identifier: MIT
//
// An ordinary reader: it takes a pointer and copies. The plain and the region server use the same
// object file of it; it includes nothing of nosigbus and takes no precautions.
#ifndef NOSIGBUS_DEMO_BLIT_H
#define NOSIGBUS_DEMO_BLIT_H

#include <cstddef>
#include <cstdint>

namespace demo {

// Copies `height` rows of `width` 32-bit pixels. The source stride is in bytes, the target stride in
// pixels; the source may be unaligned.
void blit(std::uint32_t* target, std::size_t target_stride, const std::byte* source,
          std::size_t source_stride, std::size_t width, std::size_t height);

}  // namespace demo

#endif
