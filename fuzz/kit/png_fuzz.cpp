// SPDX-License-Identifier: MIT
//
// libpng decodes a picture in shared memory. It asks for bytes by a function, which copies them with
// safe_read: what is missing is an error of the picture's.
#include <png.h>

#include <cstdlib>
#include <nosigbus/fuzz.hpp>
#include <nosigbus/nosigbus.hpp>
#include <vector>

namespace {

struct source {
  const std::byte* next;
  size_t left;
};

void read_some(png_structp png, png_bytep to, size_t n) {
  auto& from = *static_cast<source*>(png_get_io_ptr(png));
  if (n > from.left || nosigbus::safe_read(to, from.next, n) != n) png_error(png, "missing");
  from.next += n;
  from.left -= n;
}

// An eXIf chunk that says it has two gigabytes is given them, whatever png_set_chunk_malloc_max says
// (1.6.39).
png_voidp allocate(png_structp, png_alloc_size_t size) {
  return size > 1u << 24 ? nullptr : std::malloc(size);
}

// What libpng's jumps pass over is made and destroyed outside.
struct picture {
  png_structp png = png_create_read_struct_2(
      PNG_LIBPNG_VER_STRING, nullptr, [](png_structp failed, png_const_charp) { png_longjmp(failed, 1); },
      [](png_structp, png_const_charp) {}, nullptr, allocate,
      [](png_structp, png_voidp memory) { std::free(memory); });
  png_infop info = png_create_info_struct(png);
  std::vector<png_byte> row;

  picture() = default;
  ~picture() { png_destroy_read_struct(&png, &info, nullptr); }
  picture(const picture&) = delete;
  picture& operator=(const picture&) = delete;

  void decode() {
    if (setjmp(png_jmpbuf(png)) != 0) return;
    // What is wrong is let pass where it can be, so that more is read.
    png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_set_user_limits(png, 1000, 1000);
    png_read_info(png, info);
    png_set_expand(png);
    png_set_strip_16(png);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    row.resize(png_get_rowbytes(png, info));
    const png_uint_32 rows = png_get_image_height(png, info) * static_cast<png_uint_32>(passes);
    for (png_uint_32 i = 0; i < rows; ++i) png_read_row(png, row.data(), nullptr);
    png_read_end(png, info);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nosigbus::install();
  const nosigbus::hostile_buffer buffer(data, size);
  source from{buffer.data(), buffer.size()};
  picture here;
  png_set_read_fn(here.png, &from, read_some);
  here.decode();
  return 0;
}
