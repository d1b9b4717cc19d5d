// SPDX-License-Identifier: MIT
#include "options.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string_view>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "failure.h"
#include "option_table.h"

namespace nosigbus::run {

namespace {

constexpr const char* see_help = "; see nosigbus-run --help";

// A row of the table, and what was said of it.
struct asked_option {
  const option_row& row;
  std::string value{};
  bool flag = false;
  bool given = false;  // the one or the other
};

// A variable's value; empty is as good as unset.
std::string value_of(const char* variable) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? "" : text;
}

void settle_words(asked_option& asked, bool by_option) {
  const std::vector<std::string> known = words(asked.row);
  if (std::find(known.begin(), known.end(), asked.value) != known.end()) return;
  std::string list;
  for (const std::string& word : known) list += (list.empty() ? "" : ", ") + word;
  throw failure(own_failure, (by_option ? spelling(asked.row) : variable(asked.row)) + "=" + asked.value +
                                 " is none of " + list + see_help);
}

void settle_flag(asked_option& asked) {
  if (asked.value != "0" && asked.value != "1")
    throw failure(own_failure, variable(asked.row) + "=" + asked.value + " is neither 0 nor 1");
  asked.flag = asked.value == "1";
}

// The variable, where the option was not given; and whether it is one of the values that there are.
void settle(asked_option& asked, const CLI::App& app) {
  const bool by_option = app.count(spelling(asked.row)) > 0;
  if (!by_option && asked.row.has_variable) asked.value = value_of(variable(asked.row).c_str());
  asked.given = by_option || !asked.value.empty();
  if (!asked.given) return;
  if (asked.row.kind == argument_kind::one_of) settle_words(asked, by_option);
  if (asked.row.kind == argument_kind::nothing && !by_option) settle_flag(asked);
}

// Where the program begins in argv: behind our options, whose spelling only the parser knows.
int program_index(int argc, const char* const* argv, const CLI::App& app) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--" || word.empty() || word[0] != '-') return i;
    const CLI::Option* const option = app.get_option_no_throw(word);
    if (option != nullptr && option->get_items_expected_max() > 0) ++i;
  }
  return argc;
}

class help_layout : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App*, std::string, CLI::AppFormatMode) const override {
    return help_text();
  }
};

std::vector<asked_option> describe(CLI::App& app) {
  std::vector<asked_option> all;
  all.reserve(option_table().size());  // the parser keeps addresses
  for (const option_row& row : option_table()) {
    const std::string name = spelling(row);
    if (name == "--help") continue;  // the parser's own
    if (name == "--version") {
      app.set_version_flag(name, "nosigbus-run " NOSIGBUS_VERSION);
      continue;
    }
    asked_option& asked = all.emplace_back(asked_option{row});
    if (row.kind == argument_kind::nothing) {
      app.add_flag(name, asked.flag);
    } else {
      app.add_option(name, asked.value)->expected(1);
    }
  }
  app.formatter(std::make_shared<help_layout>());
  return all;
}

report_form form_of(const std::string& word) {
  if (word == "json") return report_form::json;
  return word == "none" ? report_form::none : report_form::text;
}

coloring coloring_of(const std::string& word) {
  if (word == "always") return coloring::always;
  return word == "never" ? coloring::never : coloring::automatic;
}

options options_from(const std::vector<asked_option>& all) {
  const auto find = [&all](const char* name) -> const asked_option& {
    return *std::find_if(all.begin(), all.end(), [name](const asked_option& each) {
      return std::string_view(each.row.name) == name;
    });
  };
  options out;
  out.scope = find("scope").value;
  out.io = find("io").value;
  out.write = find("write").value;
  out.own_handler = find("own-handler").value;
  out.report = form_of(find("report").value);
  out.report_asked = find("report").given;
  out.log = find("log").value;
  out.follow = find("follow").flag;
  out.backtrace = find("backtrace").flag;
  out.color = coloring_of(find("color").value);
  out.check = find("check").flag;
  out.completion = find("completion").value;
  return out;
}

}  // namespace

std::optional<options> parse_options(int argc, const char* const* argv) {
  CLI::App app("", "nosigbus-run");
  std::vector<asked_option> all = describe(app);
  const int program = program_index(argc, argv, app);
  try {
    app.parse(program, argv);
  } catch (const CLI::Success& asked) {
    app.exit(asked);
    return std::nullopt;
  } catch (const CLI::ParseError& mistake) {
    throw failure(own_failure, mistake.what() + std::string(see_help));
  }
  for (asked_option& each : all) settle(each, app);
  options out = options_from(all);
  if (!out.completion.empty()) {
    std::cout << completion(out.completion);
    return std::nullopt;
  }
  const int first = program < argc && std::string(argv[program]) == "--" ? program + 1 : program;
  out.command.assign(argv + std::min(first, argc), argv + argc);
  if (out.command.empty()) throw failure(own_failure, std::string("which program?") + see_help);
  return out;
}

}  // namespace nosigbus::run
