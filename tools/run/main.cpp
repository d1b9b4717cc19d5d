// SPDX-License-Identifier: MIT
//
// nosigbus-run: a program with the drop-in in front of its C library, and what that absorbed.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "failure.h"
#include "find_program.h"
#include "options.h"
#include "protectable.h"
#include "session.h"
#include "signals.h"

namespace {

using namespace nosigbus::run;

int run(int argc, char** argv) {
  const auto asked = parse_options(argc, argv);
  if (!asked) return EXIT_SUCCESS;
  const std::string program = find_program(asked->command.front());
  check_protectable(program);
  const std::string library = find_preload();
  session all(*asked, program);
  const child_state end = all.run(library);
  if (end.what == child_state::killed) die_by(end.value);
  return end.value;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const failure& why) {
    std::fprintf(stderr, "nosigbus-run: %s\n", why.what());
    return why.status();
  } catch (const std::exception& why) {
    std::fprintf(stderr, "nosigbus-run: %s\n", why.what());
    return own_failure;
  }
}
