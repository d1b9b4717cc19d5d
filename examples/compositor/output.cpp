// SPDX-License-Identifier: MIT
#include "output.h"

#include <png.h>
#include <wayland-server-protocol.h>

#include <cstdio>
#include <cstring>
#include <new>
#include <vector>

#include "resource.h"

namespace compositor {

namespace {

constexpr uint32_t version_offered = 2;
constexpr pixman_color_t background{0x2e2e, 0x3434, 0x4040, 0xffff};
constexpr int refresh_millihertz = 60000;

constexpr struct wl_output_interface requests = {.release = destroy_request};

void bind(wl_client* client, void* data, uint32_t version, uint32_t id) {
  const auto& self = *static_cast<output*>(data);
  wl_resource* const made =
      make_plain_resource(client, &wl_output_interface, version, id, &requests, nullptr);
  if (made == nullptr) return;
  wl_output_send_geometry(made, 0, 0, 0, 0, WL_OUTPUT_SUBPIXEL_UNKNOWN, "none", "headless",
                          WL_OUTPUT_TRANSFORM_NORMAL);
  wl_output_send_mode(made, WL_OUTPUT_MODE_CURRENT | WL_OUTPUT_MODE_PREFERRED, self.width(), self.height(),
                      refresh_millihertz);
  if (version < WL_OUTPUT_SCALE_SINCE_VERSION) return;
  wl_output_send_scale(made, 1);
  wl_output_send_done(made);
}

}  // namespace

output::output(int width, int height)
    : width_(width),
      height_(height),
      image_(pixman_image_create_bits(PIXMAN_x8r8g8b8, width, height, nullptr, 0)),
      damaged_(width, height) {
  if (image_ == nullptr) throw std::bad_alloc();
}

bool output::offer(wl_display* display) {
  return wl_global_create(display, &wl_output_interface, version_offered, this, bind) != nullptr;
}

const uint32_t* output::row(int y) const {
  return pixman_image_get_data(image_) +
         static_cast<ptrdiff_t>(y) * (pixman_image_get_stride(image_) / static_cast<int>(sizeof(uint32_t)));
}

void output::damage(region& area) {
  area.clip(width_, height_);
  damaged_.add(area);
}

void output::paint(const std::function<void(pixman_image_t*)>& draw) {
  if (damaged_.empty()) return;
  pixman_image_set_clip_region32(image_, damaged_.get());
  const pixman_box32_t all{0, 0, width_, height_};
  pixman_image_fill_boxes(PIXMAN_OP_SRC, image_, &background, 1, &all);
  draw(image_);
  pixman_image_set_clip_region32(image_, nullptr);
  damaged_.clear();
}

std::string output::write(const std::string& file) const {
  std::vector<unsigned char> packed;
  packed.reserve(static_cast<size_t>(width_) * static_cast<size_t>(height_) * 3);
  for (int y = 0; y < height_; ++y) {
    for (const uint32_t *pixel = row(y), *const end = pixel + width_; pixel != end; ++pixel) {
      for (const int shift : {16, 8, 0}) packed.push_back(static_cast<unsigned char>(*pixel >> shift & 0xff));
    }
  }
  png_image picture{};
  picture.version = PNG_IMAGE_VERSION;
  picture.width = static_cast<png_uint_32>(width_);
  picture.height = static_cast<png_uint_32>(height_);
  picture.format = PNG_FORMAT_RGB;
  // Whoever looks at it sees the one before, or this one, and no half of it.
  const std::string partial = file + ".part";
  if (png_image_write_to_file(&picture, partial.c_str(), 0, packed.data(), 0, nullptr) == 0) {
    return picture.message;
  }
  return rename(partial.c_str(), file.c_str()) == 0 ? "" : strerrordesc_np(errno);
}

}  // namespace compositor
