// SPDX-License-Identifier: MIT
#include "stage.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <vector>

#include "options.h"

namespace demo {
namespace {

constexpr int server_time_ms = 60'000;
// After the server's end the clients find their socket closed and leave.
constexpr int client_time_ms = 2000;
// Where the server finds its report.
constexpr int report_target_fd = 3;
// Exit status of a child that could not become what it should.
constexpr int not_started = 127;

std::string program_path(const std::string& name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

[[noreturn]] void become(const std::vector<std::string>& command, int report_fd, pid_t parent) {
  // No orphans when the driver is interrupted, and no core file of the server that is to die.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) std::_Exit(not_started);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  // dup2 drops close-on-exec, except from a descriptor to itself.
  if (report_fd >= 0) {
    const int spare = ::fcntl(report_fd, F_DUPFD, report_target_fd + 1);
    ::dup2(spare, report_target_fd);
    ::close(spare);
  }
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  std::fprintf(stderr, "demo: cannot start %s: %s; build all targets of examples/demo\n", arguments[0],
               error_text(errno).c_str());
  std::_Exit(not_started);
}

pid_t start(const std::vector<std::string>& command, int report_fd) {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) become(command, report_fd, parent);
  return child;
}

void pause_ms(int ms) {
  const timespec pause{0, ms * 1'000'000L};
  ::nanosleep(&pause, nullptr);
}

// Waits for a child; kills it when its time is over. False when that was necessary.
bool reap(pid_t child, int time_ms, int& status) {
  for (int waited = 0; waited < time_ms; waited += 2) {
    const pid_t done = ::waitpid(child, &status, WNOHANG);
    if (done == child) return true;
    if (done < 0 && errno != EINTR) return false;
    pause_ms(2);
  }
  ::kill(child, SIGKILL);
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return false;
}

}  // namespace

shared_report::shared_report() : fd_(::memfd_create("nosigbus-demo-report", MFD_CLOEXEC)) {
  if (fd_ < 0 || ::ftruncate(fd_, sizeof(server_report)) != 0) return;
  void* shared = ::mmap(nullptr, sizeof(server_report), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (shared != MAP_FAILED) report_ = static_cast<server_report*>(shared);
}

shared_report::~shared_report() {
  if (report_ != nullptr) ::munmap(report_, sizeof(server_report));
  if (fd_ >= 0) ::close(fd_);
}

stage_result run_stage(const stage_plan& plan, const shared_report& report) {
  const std::string socket = "@nosigbus-demo-" + std::to_string(::getpid()) + "-" + plan.kind;
  const pid_t server =
      start({program_path("demo-server-" + plan.kind), "--socket", socket, "--output", plan.output,
             "--report-fd", std::to_string(report_target_fd), "--frames", std::to_string(plan.frames)},
            report.fd());
  std::array<pid_t, role_count> clients;
  for (std::uint32_t index = 0; index < role_count; ++index) {
    clients[index] = start({program_path("demo-client"), "--socket", socket, "--role", role_table[index].name,
                            "--attack-from", std::to_string(plan.attack_from)},
                           -1);
  }
  int status = 0;
  stage_result result{};
  if (server < 0) {
    result.error = "cannot start a process: " + error_text(errno);
  } else if (!reap(server, server_time_ms, status)) {
    result.error = "the server did not end within " + std::to_string(server_time_ms / 1000) + " s";
  }
  result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  result.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  if (result.exit_status == not_started) result.error = "the server could not be started";
  // A server that ended by itself has told its clients, or they see their sockets closed. One that
  // never began leaves them waiting.
  const int patience_ms = result.error.empty() ? client_time_ms : 0;
  for (const pid_t client : clients) {
    if (client > 0) reap(client, patience_ms, status);
  }
  return result;
}

}  // namespace demo
