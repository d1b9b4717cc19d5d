// SPDX-License-Identifier: MIT
#include <array>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <ctime>

#include "report.h"

namespace nosigbus::run {

namespace {

__attribute__((format(printf, 1, 2))) std::string print(const char* format, ...) {
  char* text = nullptr;
  va_list values;
  va_start(values, format);
  const int length = vasprintf(&text, format, values);
  va_end(values);
  if (length < 0) return {};
  std::string result(text, static_cast<size_t>(length));
  free(text);
  return result;
}

std::string counted(uint64_t number, const char* thing) {
  return print("%" PRIu64 " %s%s", number, thing, number == 1 ? "" : "s");
}

// 3.5 MiB (3670016 bytes)
std::string bytes(uint64_t number) {
  constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::string exact = counted(number, "byte");
  if (number < 1024) return exact;
  double scaled = static_cast<double>(number) / 1024;
  size_t unit = 0;
  for (; scaled >= 1024 && unit + 1 < units.size(); ++unit) scaled /= 1024;
  const bool whole = number % (uint64_t{1} << (10 * (unit + 1))) == 0;
  return print(whole ? "%.0f %s (%s)" : "%.1f %s (%s)", scaled, units[unit], exact.c_str());
}

std::string time_of(uint64_t nanoseconds) {
  const auto seconds = static_cast<time_t>(nanoseconds / 1'000'000'000);
  tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  strftime(text, sizeof text, "%F %T", &parts);
  return print("%s.%03u", text, static_cast<unsigned>(nanoseconds / 1'000'000 % 1000));
}

std::string colored(const char* color, const std::string& text, const style& in) {
  return color + text + in.end;
}

// In front of what we say.
std::string speaker(const style& in) { return colored(in.heading, "nosigbus-run:", in) + " "; }

std::string line(const char* heading, const std::string& rest) {
  return print("    %-10s%s\n", heading, rest.c_str());
}

// What was done about them.
std::string answers(const mapping& of, const style& in) {
  std::string text;
  const auto add = [&](uint64_t number, const char* what, const char* color) {
    if (number == 0) return;
    text += (text.empty() ? ": " : ", ") + colored(color, print("%" PRIu64 " %s", number, what), in);
  };
  add(of.zeros, "answered with zeros", in.good);
  add(of.cured, "cured by the program's own handler", in.good);
  add(of.passed, "passed on", in.bad);
  text = counted(of.faults, "fault") + text;
  if (of.handler != 0) text += "; the program's handler was asked " + counted(of.handler, "time");
  if (of.passed != 0 && !of.guarded) text += "; out of --scope";
  return text;
}

// Empty if there was nothing to replace.
std::string condition(const mapping& of) {
  if (of.damaged) {
    return of.healed == 0 ? "still damaged" : "damaged again, after it healed " + counted(of.healed, "time");
  }
  if (of.is_gone) return "unmapped or changed by the program, while it was damaged";
  if (of.healed == 0) return {};
  return of.healed == 1 ? "whole again" : "whole again, after it was damaged " + counted(of.healed, "time");
}

std::string frames(const mapping& of) {
  std::string text;
  for (size_t i = 0; i < of.backtrace.size(); ++i) {
    const frame& each = of.backtrace[i];
    text += print("      #%-2zu 0x%016" PRIx64, i, each.address);
    if (!each.function.empty()) text += print(" %s+0x%" PRIx64, shown(each.function).c_str(), each.offset);
    if (!each.file.empty()) text += print(" at %s:%d", shown(each.file).c_str(), each.line);
    if (!each.module.empty()) {
      text += " [" + shown(each.module);
      if (each.function.empty()) text += print("+0x%" PRIx64, each.offset);
      text += "]";
    }
    text += "\n";
  }
  return text;
}

const char* color_of_condition(const mapping& of, const style& in) {
  return of.damaged || of.is_gone ? in.doubtful : in.good;
}

std::string details(const mapping& of, const style& in) {
  std::string text = "  " + colored(in.heading, shown(of.name), in) + "\n";
  text += line("process", print("%s, pid %d, thread %d", shown(of.program).c_str(), of.pid, of.tid));
  text +=
      line("mapping", print("at 0x%" PRIx64 ", %s, %s", of.address, bytes(of.size).c_str(), kind_text(of)));
  text += line("missing", print("from offset %s on: %s", bytes(of.first_bad).c_str(), cause_text(of)));
  text += line("first", print("%s, by a %s", time_of(of.time).c_str(),
                              of.access == 0 ? "read or write" : access_word(of)));
  text += line("faults", answers(of, in));
  if (const std::string now = condition(of); !now.empty())
    text += line("now", colored(color_of_condition(of, in), now, in));
  if (!of.backtrace.empty()) text += "    backtrace\n" + frames(of);
  return text;
}

}  // namespace

std::string warning(const report& of, const style& in) {
  // Where the mask of signals could not be changed nobody attached, and faults may be absorbed all the same.
  if (!of.state.ended() || of.attached != 0 || !of.mappings.empty()) return {};
  return speaker(in) + shown(of.program) + colored(in.bad, " ran unprotected", in) +
         ": it never loaded libnosigbus-preload.so, or that could not open the journal in /proc, or was "
         "refused its handler; a message of ld.so may say why; where LD_PRELOAD does not work, build the "
         "program with libnosigbus\n";
}

std::string text_report(const report& of, bool always, const style& in) {
  std::string text;
  uint64_t faults = of.lost;
  uint64_t passed = 0;
  for (const mapping& each : of.mappings) {
    faults += each.faults;
    passed += each.passed;
  }
  if (faults == 0) return always && warning(of, in).empty() ? speaker(in) + "nothing absorbed\n" : "";
  text += speaker(in) + counted(faults, "fault") + " in " + counted(of.mappings.size(), "mapping");
  if (passed != 0) text += ", " + colored(in.bad, print("%" PRIu64 " passed on", passed), in);
  text += "\n";
  for (const mapping& each : of.mappings) text += details(each, in);
  if (of.lost != 0) text += "  and " + counted(of.lost, "fault") + " for which there was no record left\n";
  return text;
}

std::string text_event(const event& what, const mapping& where, const style& in) {
  const char *verb = "", *color = "";
  switch (what.what) {
    case event_kind::damaged:
      verb = "is damaged";
      color = in.doubtful;
      break;
    case event_kind::healed:
      verb = "is whole again";
      color = in.good;
      break;
    case event_kind::passed:
      verb = "is bad, and that was passed on to the program";
      color = in.bad;
      break;
  }
  std::string text = speaker(in) +
                     print("%s: %s[%d]: %s ", time_of(what.time).c_str(), shown(where.program).c_str(),
                           where.pid, shown(where.name).c_str()) +
                     colored(color, verb, in);
  if (what.times > 1) text += print(", %" PRIu64 " times", what.times);
  if (what.what != event_kind::healed) {
    text += print(" (from offset %" PRIu64 " of %" PRIu64 " on: %s)", where.first_bad, where.size,
                  cause_text(where));
  }
  return text + "\n";
}

}  // namespace nosigbus::run
