// SPDX-License-Identifier: MIT
//
// The driver: runs each of the three servers with all the clients, prints the table, gives the verdict.
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "options.h"
#include "sheet.h"
#include "stage.h"

namespace demo {
namespace {

constexpr std::array<const char*, 3> server_kinds{"plain", "safe_read", "region"};
constexpr std::size_t plain_kind = 0;
// Frames at the start that warm caches and page tables up; they are not measured.
constexpr std::uint32_t warm_up_frames = 8;

struct run {
  shared_report report;
  stage_result end;
};

std::string median_us(const server_report& report, std::uint32_t first, std::uint32_t last) {
  last = std::min(last, report.frames_served);
  if (first >= last) return "-";
  std::vector<std::uint32_t> times(report.frame_ns.begin() + first, report.frame_ns.begin() + last);
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return std::to_string((*middle + 500) / 1000);
}

std::string signal_name(int number) {
  return number == SIGBUS ? std::string("SIGBUS") : std::string("signal ").append(std::to_string(number));
}

std::string outcome(const run& finished, std::uint32_t frames) {
  const server_report& report = *finished.report;
  const std::string served = std::to_string(report.frames_served);
  if (!finished.end.error.empty()) return "failed after " + served + " frames";
  if (finished.end.signal == 0) {
    const bool well = finished.end.exit_status == 0;
    return (well ? "served " : "gave up after ") + served + "/" + std::to_string(frames);
  }
  std::string text = std::string("killed by ") + signal_name(finished.end.signal) + " in frame " +
                     std::to_string(report.frames_served + 1);
  return text;
}

// The client whose buffer the server was reading when it died.
std::string killer(const run& finished) {
  const std::uint32_t reading = finished.report->reading;
  const bool died = finished.end.signal != 0 && reading < role_count;
  return died ? std::string(" (") + role_table[reading].name + ")" : std::string();
}

struct tally {
  std::uint64_t checked = 0, exact = 0;
  std::uint32_t found_out = 0, accused = 0;
  // Every honest client took part in the frames, not in a few of them.
  bool took_part = true;
};

tally count(const server_report& report) {
  tally result;
  for (std::uint32_t index = 0; index < role_count; ++index) {
    const client_report& client = report.clients[index];
    if (!role_table[index].honest) {
      result.found_out += client.found_out;
      continue;
    }
    result.accused += client.found_out;
    result.checked += client.checked;
    result.exact += client.exact;
    result.took_part = result.took_part && client.checked == report.frames_served &&
                       client.drawn * 2 >= report.frames_served;
  }
  return result;
}

std::string found_text(const tally& counted) {
  std::string text = std::to_string(counted.found_out);
  text.append("/").append(std::to_string(role_count - honest_count()));
  if (counted.accused > 0) text.append(" +").append(std::to_string(counted.accused)).append(" honest");
  return text;
}

void print_table(std::span<const run> runs, const driver_options& options) {
  const std::uint32_t attack_from = options.frames / 5;
  const char* const form = "%-10s %-42s %8s %10s %11s %13s   %s\n";
  std::printf(form, "", "", "faults", "clients", "us/frame", "us/frame", "honest pixels");
  std::printf(form, "server", "outcome", "absorbed", "found out", "in peace", "under attack", "byte-exact");
  for (std::size_t kind = 0; kind < server_kinds.size(); ++kind) {
    const server_report& report = *runs[kind].report;
    const tally counted = count(report);
    const std::string found = kind == plain_kind ? std::string("-") : found_text(counted);
    std::string exact = counted.exact == counted.checked ? "yes (" : "NO (";
    exact.append(std::to_string(counted.exact))
        .append("/")
        .append(std::to_string(counted.checked))
        .append(")");
    std::printf(form, server_kinds[kind], (outcome(runs[kind], options.frames) + killer(runs[kind])).c_str(),
                std::to_string(report.faults_absorbed).c_str(), found.c_str(),
                median_us(report, warm_up_frames, attack_from).c_str(),
                median_us(report, all_attack_frame(attack_from), options.frames).c_str(), exact.c_str());
  }
}

void print_clients(std::span<const run> runs) {
  for (std::size_t kind = 0; kind < server_kinds.size(); ++kind) {
    std::printf("\n%s\n", server_kinds[kind]);
    for (std::uint32_t index = 0; index < role_count; ++index) {
      const client_report& client = runs[kind].report->clients[index];
      std::printf("  %-9s %-44s drawn %4u  exact %4u/%-4u faults %5llu  refused %2u  %s\n",
                  role_table[index].name, role_table[index].doing, client.drawn, client.exact, client.checked,
                  static_cast<unsigned long long>(client.faults), client.refused,
                  client.found_out != 0 ? client.cause : "-");
    }
  }
}

// Empty, or the condition that was not met.
std::string failed_condition(std::span<const run> runs, const driver_options& options) {
  for (std::size_t kind = 0; kind < server_kinds.size(); ++kind) {
    const run& one = runs[kind];
    const std::string server = std::string("the ") + server_kinds[kind] + " server ";
    if (!one.end.error.empty()) return std::string(server_kinds[kind]) + ": " + one.end.error;
    if (kind == plain_kind) {
      if (one.end.signal == SIGBUS) continue;
      return server + "should have died of SIGBUS, but: " + outcome(one, options.frames);
    }
    if (one.end.signal != 0 || one.end.exit_status != 0 || one.report->frames_served != options.frames) {
      return server + "did not serve every frame: " + outcome(one, options.frames);
    }
    const tally counted = count(*one.report);
    if (counted.exact != counted.checked || !counted.took_part) {
      return server + "did not show every pixel of every honest client; see --verbose";
    }
  }
  return {};
}

int finish(std::span<const run> runs, const driver_options& options) {
  print_table(runs, options);
  if (options.verbose) print_clients(runs);
  std::vector<sheet_entry> entries;
  for (std::size_t kind = 0; kind < server_kinds.size(); ++kind) {
    entries.push_back({&*runs[kind].report,
                       std::string(server_kinds[kind]) + ": " + outcome(runs[kind], options.frames),
                       runs[kind].end.signal != 0});
  }
  const std::string problem = write_sheet(options.output + "/sheet.png", entries);
  if (!problem.empty()) return complain(problem, "");
  std::printf("\npictures: %s/sheet.png and %s/*-frame-*.png\n", options.output.c_str(),
              options.output.c_str());
  std::fflush(stdout);
  const std::string failure = failed_condition(runs, options);
  return failure.empty() ? 0 : complain("failed: ", failure);
}

int drive(const driver_options& options) {
  std::error_code error;
  std::filesystem::create_directories(options.output, error);
  if (error)
    return complain("cannot make the directory " + options.output + ": ",
                    error.message() + "; choose another with --output");
  std::array<run, server_kinds.size()> runs;
  for (std::size_t kind = 0; kind < server_kinds.size(); ++kind) {
    if (!runs[kind].report.valid()) return complain("cannot make shared memory: ", error_text(errno));
    std::fprintf(stderr, "demo: %s server, %u honest and %u hostile clients, %u frames\n", server_kinds[kind],
                 honest_count(), role_count - honest_count(), options.frames);
    runs[kind].end = run_stage({server_kinds[kind], options.output, options.frames, options.frames / 5},
                               runs[kind].report);
  }
  return finish(runs, options);
}

}  // namespace
}  // namespace demo

int main(int argc, char** argv) {
  demo::driver_options options;
  if (const int status = demo::parse_driver_options(argc, argv, options); status >= 0) return status;
  return demo::drive(options);
}
