// SPDX-License-Identifier: MIT
#include <algorithm>
#include <sstream>

#include "check.h"
#include "mapping.h"

namespace nosigbus::run {

namespace {

constexpr size_t width = 79;

// Words in lines, the first behind `head`, which takes as many columns as `indent` has.
std::string wrapped(const std::string& head, const std::string& indent, const std::string& text) {
  std::string out = head;
  size_t column = indent.size();
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const bool first = column == indent.size();
    if (!first && column + 1 + word.size() > width) {
      out += "\n";
      out += indent;
      out += word;
      column = indent.size() + word.size();
    } else {
      out += first ? "" : " ";
      out += word;
      column += word.size() + (first ? 0 : 1);
    }
  }
  return out + "\n";
}

std::string base_name(const std::string& path) { return shown(path.substr(path.rfind('/') + 1)); }

// A, B, C and 5 more
std::string list(const std::vector<std::string>& files) {
  constexpr size_t most = 4;
  std::string text;
  for (size_t i = 0; i < std::min(files.size(), most); ++i)
    text += (i == 0 ? "" : ", ") + base_name(files[i]);
  if (files.size() > most) text += " and " + std::to_string(files.size() - most) + " more";
  return text;
}

std::string sentence(const finding& of) {
  std::string text = of.subjects.empty() ? "" : list(of.subjects) + ": ";
  text += shown(of.text);
  return of.advice.empty() ? text : text + "; " + of.advice;
}

std::string section(const check_report& of, verdict what, const char* title, const std::string& mark,
                    const style& in) {
  std::string text;
  for (const finding& each : of.findings) {
    if (each.what == what) text += wrapped("  " + mark + " ", "    ", sentence(each));
  }
  return text.empty() ? text : std::string(in.heading) + title + in.end + "\n" + text;
}

std::string marked(const char* color, const char* mark, const style& in) {
  return std::string(color) + mark + in.end;
}

}  // namespace

std::string text_check(const check_report& of, const style& in) {
  const bool good = of.status == 0;
  std::string text = shown(of.program) + " " +
                     marked(good ? in.good : in.bad, good ? "can be protected" : "cannot be protected", in) +
                     "\n";
  text += section(of, verdict::refused, "Because", marked(in.bad, "-", in), in);
  if (!good) return text;
  text += section(of, verdict::guarded, "Protected are", marked(in.good, "+", in), in);
  text += section(of, verdict::unguarded, "Not protected are", marked(in.bad, "-", in), in);
  return text + section(of, verdict::note, "About this program", marked(in.doubtful, "*", in), in);
}

}  // namespace nosigbus::run
