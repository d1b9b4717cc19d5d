// SPDX-License-Identifier: MIT
//
// libpng, which knows nothing of nosigbus, decodes a picture in shared memory, and its owner cuts it off in
// the middle: what the program has of that, by the way in which it reads.
#include <png.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nosigbus/fiber.hpp>
#include <nosigbus/nosigbus.hpp>
#include <string>
#include <vector>

#include "hostile_picture.h"

namespace {

// A picture while libpng is at it.
class decoding {
 public:
  // Reads what is in front of the pixels; then the owner strikes.
  decoding(hostile_picture& picture, const void* memory) : out_(std::size_t{4} * width * height) {
    image_.version = PNG_IMAGE_VERSION;
    if (png_image_begin_read_from_memory(&image_, memory, picture.size()) == 0) return;
    image_.format = PNG_FORMAT_RGBA;
    picture.strike();
  }
  ~decoding() { png_image_free(&image_); }
  decoding(const decoding&) = delete;
  decoding& operator=(const decoding&) = delete;

  // Whether libpng was content.
  bool finish() { return png_image_finish_read(&image_, nullptr, out_.data(), 0, nullptr) != 0; }
  const char* message() const { return image_.message; }
  bool right() const { return out_ == pixels(); }

 private:
  png_image image_{};
  std::vector<std::uint8_t> out_;
};

const std::uint8_t* map(const hostile_picture& picture) {
  void* const memory = mmap(nullptr, picture.size(), PROT_READ, MAP_SHARED, picture.fd(), 0);
  if (memory == MAP_FAILED) exit(1);
  return static_cast<const std::uint8_t*>(memory);
}

// Each says what has become of it; none, if it died.

std::string plainly(hostile_picture& picture) {
  decoding here(picture, map(picture));
  return here.finish() ? "decoded" : here.message();
}

std::string by_region(hostile_picture& picture) {
  const auto region = nosigbus::region::map(picture.fd(), 0, picture.size(), PROT_READ);
  if (!region) return "no region";
  decoding here(picture, region->data());
  const std::uint64_t begun = region->begin_read();
  const bool content = here.finish();
  const std::string answer = content ? "decoded" : std::string("libpng: ") + here.message();
  return answer + (region->end_read(begun) ? "" : "; and it has read zeros");
}

std::string by_guard(hostile_picture& picture) {
  const std::uint8_t* const memory = map(picture);
  decoding here(picture, memory);
  const auto content = nosigbus::guard([&] { return here.finish(); }, memory, picture.size());
  if (content) return *content ? "decoded" : here.message();
  return "stopped at byte " + std::to_string(content.fault().address - reinterpret_cast<uintptr_t>(memory)) +
         " of " + std::to_string(picture.size());
}

// The host has the bytes of the picture that was shown last, and goes on with those.
std::string by_fiber_filled(hostile_picture& picture) {
  const std::uint8_t* const memory = map(picture);
  std::vector<std::byte> last(picture.size());
  memcpy(last.data(), memory, last.size());
  decoding here(picture, memory);
  bool content = false;
  nosigbus::fiber reader([&] { content = here.finish(); }, {memory, picture.size()});
  int pages = 0;
  auto stop = reader.resume();
  for (; stop.faulted() && stop.error() == 0; ++pages) {
    const std::size_t page =
        (stop.fault().address & ~(stop.fault().granule - 1)) - reinterpret_cast<uintptr_t>(memory);
    stop = reader.fill(std::span(last).subspan(page));
  }
  if (!stop.finished()) return "the fiber did not finish";
  return (content && here.right() ? "decoded, every pixel right, " : "decoded, and wrong, ") +
         std::to_string(pages) + " pages filled in";
}

std::string by_fiber_abandoned(hostile_picture& picture) {
  const std::uint8_t* const memory = map(picture);
  decoding here(picture, memory);
  nosigbus::fiber reader([&] { here.finish(); }, {memory, picture.size()});
  auto stop = reader.resume();
  if (!stop.faulted()) return "decoded";
  stop = reader.abandon();
  return stop.abandoned() ? "the host saw a fault by signal " + std::to_string(stop.fault().signo) +
                                ", and dropped the decoder"
                          : "not abandoned";
}

const struct {
  const char* way;
  std::string (*decode)(hostile_picture& picture);
  const char* expected;  // how it begins; null: it dies
} ways[] = {{"as it is", plainly, nullptr},
            {"region", by_region, "libpng: "},
            {"guard", by_guard, "stopped at byte "},
            {"fiber, filled in", by_fiber_filled, "decoded, every pixel right"},
            {"fiber, abandoned", by_fiber_abandoned, "the host saw a fault"}};

// In a process of its own. Whether it went as expected.
template <class Way>
bool show(const Way& way) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    if (way.expected != nullptr && nosigbus::install() != 0) _exit(1);
    hostile_picture picture;
    const std::string answer = way.decode(picture);
    _exit(write(ends[1], answer.data(), answer.size()) == static_cast<ssize_t>(answer.size()) ? 0 : 1);
  }
  close(ends[1]);
  char answer[400] = {};
  const ssize_t length = read(ends[0], answer, sizeof answer - 1);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) snprintf(answer, sizeof answer, "died: %s", strsignal(WTERMSIG(status)));
  printf("%-18s %s\n", way.way, answer);
  if (way.expected == nullptr) return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 && length > 0 &&
         strncmp(answer, way.expected, strlen(way.expected)) == 0;
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) {
    fputs("nosigbus-decoder takes no arguments: decodes a picture that is cut off meanwhile, in five ways\n",
          stderr);
    return 2;
  }
  bool right = true;
  for (const auto& way : ways) right = show(way) && right;
  return right ? 0 : 1;
}
