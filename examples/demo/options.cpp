// SPDX-License-Identifier: MIT
#include "options.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "report.h"

namespace demo {
namespace {

int mistake(const std::string& what) {
  std::fprintf(stderr, "%s: %s; see %s --help\n", program_invocation_short_name, what.c_str(),
               program_invocation_short_name);
  return 2;
}

bool read_number(const char* text, const option& wanted) {
  char* end = nullptr;
  errno = 0;
  const unsigned long long value = std::strtoull(text, &end, 10);
  const bool number = *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
  if (!number || value < wanted.least || value > wanted.most) return false;
  *wanted.number = static_cast<std::uint32_t>(value);
  return true;
}

const option* find_option(std::span<const option> options, const char* name) {
  for (const option& candidate : options) {
    if (std::strcmp(candidate.name, name) == 0) return &candidate;
  }
  return nullptr;
}

}  // namespace

int parse_options(int argc, char** argv, std::span<const option> options, const char* help) {
  for (int index = 1; index < argc; ++index) {
    const char* name = argv[index];
    if (std::strcmp(name, "--help") == 0 || std::strcmp(name, "-h") == 0) {
      std::fputs(help, stdout);
      return 0;
    }
    const option* wanted = find_option(options, name);
    if (wanted == nullptr) return mistake(std::string("unknown argument ") + name);
    if (wanted->flag != nullptr) {
      *wanted->flag = true;
      continue;
    }
    if (++index >= argc) return mistake(std::string(name) + " needs a value");
    if (wanted->text != nullptr) {
      *wanted->text = argv[index];
      if (wanted->text->empty()) return mistake(std::string(name) + " must not be empty");
    } else if (!read_number(argv[index], *wanted)) {
      return mistake(std::string(name) + " takes a number from " + std::to_string(wanted->least) + " to " +
                     std::to_string(wanted->most) + ", not '" + argv[index] + "'");
    }
  }
  return -1;
}

std::string error_text(int error) { return std::generic_category().message(error); }

int complain(const std::string& what, const std::string& why) {
  std::fprintf(stderr, "%s: %s%s\n", program_invocation_short_name, what.c_str(), why.c_str());
  return 1;
}

int parse_server_options(int argc, char** argv, server_options& out) {
  const option options[] = {
      {.name = "--socket", .text = &out.socket},
      {.name = "--output", .text = &out.output},
      {.name = "--report-fd", .number = &out.report_fd, .least = 0, .most = 65535},
      {.name = "--frames", .number = &out.frames, .least = min_frames, .most = max_frames},
  };
  const int status = parse_options(argc, argv, options,
                                   "The server of the nosigbus demo; `demo` starts it.\n"
                                   "  --socket NAME   listen there; @NAME for an abstract socket\n"
                                   "  --output DIR    write PNG files there\n"
                                   "  --report-fd N   shared memory for the results\n"
                                   "  --frames N      composite so many frames, then end\n");
  if (status >= 0) return status;
  const bool complete =
      !out.socket.empty() && !out.output.empty() && out.report_fd != UINT32_MAX && out.frames > 0;
  return complete ? -1 : mistake("all four options are needed");
}

int parse_client_options(int argc, char** argv, client_options& out) {
  const option options[] = {
      {.name = "--socket", .text = &out.socket},
      {.name = "--role", .text = &out.role},
      {.name = "--attack-from", .number = &out.attack_from, .least = 0, .most = max_frames},
  };
  const int status =
      parse_options(argc, argv, options,
                    "A client of the nosigbus demo; `demo` starts it.\n"
                    "  --socket NAME     the server's socket\n"
                    "  --role ROLE       honest: plasma, clock, text; hostile: truncate, grow,\n"
                    "                    race, liar, giant, mute\n"
                    "  --attack-from N   the frame in which hostile clients begin\n");
  if (status >= 0) return status;
  if (out.socket.empty() || out.role.empty()) return mistake("--socket and --role are needed");
  return find_role(out.role) < role_count ? -1 : mistake("there is no role '" + out.role + "'");
}

int parse_driver_options(int argc, char** argv, driver_options& out) {
  const option options[] = {
      {.name = "--output", .text = &out.output},
      {.name = "--frames", .number = &out.frames, .least = min_frames, .most = max_frames},
      {.name = "--verbose", .flag = &out.verbose},
  };
  return parse_options(
      argc, argv, options,
      "Usage: demo [--output DIR] [--frames N] [--verbose]\n"
      "\n"
      "Runs a display server three times, each time with three honest and six hostile clients that hand\n"
      "their buffers over as memfds. The three servers differ in how they read those buffers:\n"
      "  plain      mmap and an ordinary reader\n"
      "  safe_read  mmap and copies that stop at a missing page\n"
      "  region     a region and the same ordinary reader as in plain\n"
      "\n"
      "  --output DIR   where the PNG files go (default: demo-output)\n"
      "  --frames N     frames per server, 60 to 4096 (default: 300)\n"
      "  --verbose      also list what each client did\n"
      "\n"
      "Exit status: 0 when the plain server died of SIGBUS, the other two served every frame, and every\n"
      "pixel of every honest client arrived exactly; 1 when not; 2 for a mistake in the command line.\n");
}

}  // namespace demo
