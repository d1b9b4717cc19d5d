// SPDX-License-Identifier: MIT
//
// A compositor without a screen. See README.md.
#include <getopt.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "server.h"

namespace {

constexpr const char* usage =
    R"(--socket NAME      in $XDG_RUNTIME_DIR; the first free one of wayland-0, ... by default
--size WxH         of the output, 1024x768 by default
--output FILE.png  what is on the output, at the end and on SIGUSR2
--frames N         ends after so many
--interval MS      between two frames at least, 16 by default
--tolerant         who cuts off its memory is not disconnected; with views only

Says on standard output where it listens, and on standard error who comes, goes and is disconnected. SIGUSR1
presses the button of the pointer, which is in the middle, for a moment.
)";

// False when it is not what the usage says.
bool parse(int argc, char** argv, compositor::settings& wanted) {
  constexpr option names[] = {{"socket", required_argument, nullptr, 's'},
                              {"size", required_argument, nullptr, 'w'},
                              {"output", required_argument, nullptr, 'o'},
                              {"frames", required_argument, nullptr, 'f'},
                              {"interval", required_argument, nullptr, 'i'},
                              {"tolerant", no_argument, nullptr, 't'},
                              {}};
  for (int found; (found = getopt_long(argc, argv, "", names, nullptr)) != -1;) {
    switch (found) {
      case 's':
        wanted.socket = optarg;
        break;
      case 'w':
        if (sscanf(optarg, "%dx%d", &wanted.width, &wanted.height) != 2) return false;
        break;
      case 'o':
        wanted.picture = optarg;
        break;
      case 'f':
        wanted.frames = atol(optarg);
        break;
      case 'i':
        wanted.interval = atoi(optarg);
        break;
      case 't':
        wanted.tolerant = true;
        break;
      default:
        return false;
    }
  }
  const auto is_side = [](int side) { return side > 0 && side <= compositor::largest_side; };
  return optind == argc && is_side(wanted.width) && is_side(wanted.height) && wanted.frames >= 0 &&
         wanted.interval >= 0;
}

}  // namespace

int main(int argc, char** argv) {
  setlinebuf(stdout);
  compositor::settings wanted;
  if (!parse(argc, argv, wanted)) {
    fputs(usage, stderr);
    return 2;
  }
  try {
    compositor::server(wanted).run();
    return 0;
  } catch (const std::exception& error) {
    fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
