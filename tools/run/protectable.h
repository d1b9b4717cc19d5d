// SPDX-License-Identifier: MIT
//
// Whether the dynamic linker will load the drop-in into a program.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "failure.h"

namespace nosigbus::run {

struct refusal {
  const char* id;           // a word for programs
  std::string path;         // of the file that is to blame
  std::string why, advice;  // goes on after "it"; what to do
};

class unprotectable : public failure {
 public:
  explicit unprotectable(refusal of)
      : failure(cannot_protect, of.path + " cannot be protected: it " + of.why + "; " + of.advice),
        reason_(std::move(of)) {}
  const refusal& reason() const { return reason_; }

 private:
  refusal reason_;
};

// The files that the kernel reads to start a program: scripts, what runs them, at last a program. Throws
// failure where one cannot be started; unprotectable if the drop-in will not be loaded, as far as can be seen
// from the files.
std::vector<std::string> check_protectable(const std::string& path);

}  // namespace nosigbus::run
