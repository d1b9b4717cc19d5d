// SPDX-License-Identifier: MIT
#include "report.h"

#include <signal.h>

#include <cstdio>
#include <cstring>

namespace storms {

namespace {

uint64_t sum(const std::vector<row>& rows, uint64_t row::*what) {
  uint64_t all = 0;
  for (const row& each : rows) all += each.*what;
  return all;
}

double rate(uint64_t faults, double seconds) {
  return seconds > 0 ? static_cast<double>(faults) / seconds : 0;
}

void print_table(FILE* out, const std::vector<row>& rows, double seconds) {
  fputs(
      "| mechanism | what | faults | threads | seconds | faults/s | signals | a stranger's fault | deaths | "
      "wrong bytes "
      "| leaks |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |\n",
      out);
  for (const row& each : rows) {
    const std::string killed =
        each.stranger == 0 ? "did not kill" : std::string("SIG") + sigabbrev_np(each.stranger);
    fprintf(out, "| %s | %s | %lu | %u | %.0f | %.0f | %lu | %s | %lu | %lu | %lu |\n", each.name.c_str(),
            each.what.c_str(), each.faults, each.threads, each.seconds, rate(each.faults, each.seconds),
            each.signals, killed.c_str(), each.deaths, each.wrong, each.leaks);
  }
  const uint64_t faults = sum(rows, &row::faults);
  fprintf(out, "| all | | %lu | | %.0f | %.0f | %lu | | %lu | %lu | %lu |\n", faults, seconds,
          rate(faults, seconds), sum(rows, &row::signals), sum(rows, &row::deaths), sum(rows, &row::wrong),
          sum(rows, &row::leaks));
}

}  // namespace

void progress::print(const std::vector<row>& rows, const std::vector<bool>& busy, double now) {
  const uint64_t faults = sum(rows, &row::faults);
  const double speed = rate(faults - before_, now - then_);
  before_ = faults;
  then_ = now;
  printf("%5.0f s: %lu faults, %.0f/s", now, faults, speed);
  if (faults_ != 0) {
    printf(" (%.1f %%", 100.0 * static_cast<double>(faults) / static_cast<double>(faults_));
    if (speed > 0 && faults < faults_) printf(", %.0f s left", static_cast<double>(faults_ - faults) / speed);
    printf(")");
  } else {
    printf(" (%.0f s left)", seconds_ > now ? seconds_ - now : 0);
  }
  printf(", %lu deaths, %lu wrong, %lu leaks;", sum(rows, &row::deaths), sum(rows, &row::wrong),
         sum(rows, &row::leaks));
  for (size_t i = 0; i < rows.size(); ++i) {
    if (busy[i]) printf(" %s %lu", rows[i].name.c_str(), rows[i].faults);
  }
  printf("\n");
  fflush(stdout);
}

int conclude(const std::vector<row>& rows, double seconds, const std::string& file) {
  print_table(stdout, rows, seconds);
  if (!file.empty()) {
    FILE* const out = fopen(file.c_str(), "w");
    if (out == nullptr) {
      perror(file.c_str());
      return 2;
    }
    print_table(out, rows, seconds);
    fclose(out);
  }
  bool well = true;
  for (const row& each : rows) {
    well = well && each.deaths == 0 && each.wrong == 0 && each.leaks == 0 && each.stranger != 0 &&
           each.faults != 0;
  }
  return well ? 0 : 1;
}

}  // namespace storms
