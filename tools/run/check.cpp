// SPDX-License-Identifier: MIT
#include "check.h"

#include "find_program.h"
#include "protectable.h"

namespace nosigbus::run {

namespace {

void refuse(check_report& out, const failure& why, const char* id) {
  out.status = why.status();
  out.findings.push_back({verdict::refused, id, why.what()});
}

}  // namespace

check_report check(const options& asked) {
  const std::string library = find_preload();
  check_report out;
  out.program = asked.command.front();
  try {
    out.program = find_program(out.program);
    out.files = check_protectable(out.program);
  } catch (const unprotectable& why) {
    const refusal& reason = why.reason();
    out.status = why.status();
    out.findings.push_back({verdict::refused, reason.id, "it " + reason.why, reason.advice, {reason.path}});
    return out;
  } catch (const failure& why) {
    refuse(out, why, why.status() == not_found ? "not-found" : "not-executable");
    return out;
  }
  if (out.files.size() > 1) {
    const std::vector<std::string> others(out.files.begin() + 1, out.files.end());
    out.findings.push_back({verdict::note, "run-by", "run the program, which is a script", "", others});
  }
  check_options(asked, out.findings);
  check_program(asked, library, out);
  return out;
}

}  // namespace nosigbus::run
