// SPDX-License-Identifier: MIT
//
// Command lines of the demo's programs.
#ifndef NOSIGBUS_DEMO_OPTIONS_H
#define NOSIGBUS_DEMO_OPTIONS_H

#include <cstdint>
#include <span>
#include <string>

namespace demo {

// One of `text`, `number` and `flag` is set.
struct option {
  const char* name;
  std::string* text = nullptr;
  std::uint32_t* number = nullptr;
  std::uint32_t least = 0, most = 0;
  bool* flag = nullptr;
};

// Reads the command line. Returns -1 to go on, or the status to exit with: 0 after --help, 2 after a
// mistake, which has been reported.
int parse_options(int argc, char** argv, std::span<const option> options, const char* help);

// What an errno means.
std::string error_text(int error);

// Prints one line to stderr, after the program's name. Returns 1.
int complain(const std::string& what, const std::string& why);

struct server_options {
  std::string socket;
  std::string output;
  std::uint32_t report_fd = UINT32_MAX;
  std::uint32_t frames = 0;
};
int parse_server_options(int argc, char** argv, server_options& out);

struct client_options {
  std::string socket;
  std::string role;
  std::uint32_t attack_from = 0;
};
int parse_client_options(int argc, char** argv, client_options& out);

struct driver_options {
  std::string output = "demo-output";
  std::uint32_t frames = 300;
  bool verbose = false;
};
int parse_driver_options(int argc, char** argv, driver_options& out);

}  // namespace demo

#endif
