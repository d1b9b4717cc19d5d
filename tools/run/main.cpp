// SPDX-License-Identifier: MIT
//
// nosigbus-run: a program with the drop-in in front of its C library, and what that absorbed.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "check.h"
#include "failure.h"
#include "find_program.h"
#include "mapping.h"
#include "options.h"
#include "output.h"
#include "protectable.h"
#include "session.h"
#include "signals.h"

namespace {

using namespace nosigbus::run;

int tell_check(const options& asked) {
  const check_report found = check(asked);
  output out(asked.log.empty() ? "fd:1" : asked.log);
  if (asked.report == report_form::json) out.write(json_check(found));
  if (asked.report == report_form::text)
    out.write(text_check(found, style_for(asked.color, out.descriptor())));
  return found.status;
}

int run(int argc, char** argv, coloring& color) {
  const auto asked = parse_options(argc, argv);
  if (!asked) return EXIT_SUCCESS;
  color = asked->color;
  if (asked->check) return tell_check(*asked);
  const std::string program = find_program(asked->command.front());
  check_protectable(program);
  const std::string library = find_preload();
  session all(*asked, program);
  const child_state end = all.run(library);
  if (end.what == child_state::killed) die_by(end.value);
  return end.value;
}

void complain(const std::exception& why, coloring color) {
  const style in = style_for(color, STDERR_FILENO);
  // It may name what a script has in its first line.
  std::fprintf(stderr, "%snosigbus-run:%s %s\n", in.bad, in.end, shown(why.what()).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  coloring color = coloring::automatic;  // until the options are known
  try {
    return run(argc, argv, color);
  } catch (const failure& why) {
    complain(why, color);
    return why.status();
  } catch (const std::exception& why) {
    complain(why, color);
    return own_failure;
  }
}
