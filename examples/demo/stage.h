// SPDX-License-Identifier: MIT
//
// One run: a server and all its clients as processes of their own.
#ifndef NOSIGBUS_DEMO_STAGE_H
#define NOSIGBUS_DEMO_STAGE_H

#include <string>

#include "report.h"

namespace demo {

// The report's memory, shared with the server.
class shared_report {
 public:
  shared_report();
  ~shared_report();
  shared_report(const shared_report&) = delete;
  shared_report& operator=(const shared_report&) = delete;

  bool valid() const { return report_ != nullptr; }
  int fd() const { return fd_; }
  server_report& operator*() const { return *report_; }
  server_report* operator->() const { return report_; }

 private:
  int fd_;
  server_report* report_ = nullptr;
};

struct stage_plan {
  // The last part of the server's file name: plain, safe_read or region.
  std::string kind;
  std::string output;
  std::uint32_t frames;
  std::uint32_t attack_from;
};

struct stage_result {
  // Why the run could not be made; empty when it was.
  std::string error;
  // How the server ended: a signal, or 0 and its exit status.
  int signal;
  int exit_status;
};

stage_result run_stage(const stage_plan& plan, const shared_report& report);

}  // namespace demo

#endif
