// SPDX-License-Identifier: MIT
#include "options.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "failure.h"

namespace nosigbus::run {

namespace {

constexpr const char* see_help = "; see nosigbus-run --help";

// An option that is one of several words.
struct choice {
  const char* option;
  const char* variable;
  std::vector<std::string> words;
  std::string help;
  std::string value;
  bool given = false;

  std::string list() const {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
  }
};

// A variable's value; empty is as good as unset.
std::string value_of(const char* variable) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? "" : text;
}

void settle(choice& asked, const CLI::App& app) {
  const bool by_option = app.count(asked.option) > 0;
  if (!by_option) asked.value = value_of(asked.variable);
  asked.given = by_option || !asked.value.empty();
  if (!asked.given || std::find(asked.words.begin(), asked.words.end(), asked.value) != asked.words.end())
    return;
  throw failure(own_failure, std::string(by_option ? asked.option : asked.variable) + "=" + asked.value +
                                 " is none of " + asked.list() + see_help);
}

bool settle_flag(bool by_option, const char* variable) {
  if (by_option) return true;
  const std::string text = value_of(variable);
  if (text.empty() || text == "0") return false;
  if (text == "1") return true;
  throw failure(own_failure, std::string(variable) + "=" + text + " is neither 0 nor 1");
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
  help_layout() { column_width(34); }
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: nosigbus-run [OPTION...] [--] PROGRAM [ARGUMENT...]\n";
  }
};

std::vector<choice> choices() {
  return {
      {"--scope",
       "NOSIGBUS_SCOPE",
       {"shm", "files", "all"},
       "which mappings: shared memory (default), files",
       {}},
      {"--io",
       "NOSIGBUS_IO",
       {"absorb", "pass"},
       "I/O errors (default: absorb in shared memory, pass in files)",
       {}},
      {"--write", "NOSIGBUS_WRITE", {"discard", "pass"}, "writes to what is missing (default: likewise)", {}},
      {"--own-handler",
       "NOSIGBUS_OWN_HANDLER",
       {"cooperate", "rescue"},
       "the program's own SIGBUS handler: call it first (default), or keep it out",
       {}},
      {"--report",
       "NOSIGBUS_REPORT",
       {"text", "json", "none"},
       "what to write at the end (default: text)",
       {}},
  };
}

void describe(CLI::App& app, std::vector<choice>& all, options& out) {
  for (choice& each : all) {
    app.add_option(each.option, each.value, each.help + " [" + each.variable + "]")
        ->type_name(each.list())
        ->expected(1);
  }
  app.add_option("--log", out.log, "where messages and the report go (default: stderr) [NOSIGBUS_LOG]")
      ->type_name("FILE or fd:N")
      ->expected(1);
  app.add_flag("--follow", out.follow, "also tell what happens when it happens [NOSIGBUS_FOLLOW=1]");
  app.add_flag("--backtrace", out.backtrace,
               "tell which code met the first fault of each mapping [NOSIGBUS_BACKTRACE=1]");
  app.set_version_flag("--version", "nosigbus-run " NOSIGBUS_VERSION);
  app.formatter(std::make_shared<help_layout>());
  app.footer(
      "\nSignals are passed on to the program, except SIGUSR2: the report so far. Exit status: the "
      "program's;\n"
      "124 it cannot be protected, 125 nosigbus-run failed, 126 it cannot be executed, 127 it is not there.\n"
      "nosigbus-run(1) tells more.");
}

report_form form_of(const std::string& word) {
  if (word == "json") return report_form::json;
  return word == "none" ? report_form::none : report_form::text;
}

}  // namespace

std::optional<options> parse_options(int argc, const char* const* argv) {
  options out;
  std::vector<choice> all = choices();
  CLI::App app(
      "Runs PROGRAM so that it survives mapped files that others truncate, and tells what it survived.",
      "nosigbus-run");
  describe(app, all, out);
  const int program = program_index(argc, argv, app);
  try {
    app.parse(program, argv);
  } catch (const CLI::Success& asked) {
    app.exit(asked);
    return std::nullopt;
  } catch (const CLI::ParseError& mistake) {
    throw failure(own_failure, mistake.what() + std::string(see_help));
  }
  for (choice& each : all) settle(each, app);
  out.scope = all[0].value;
  out.io = all[1].value;
  out.write = all[2].value;
  out.own_handler = all[3].value;
  out.report = form_of(all[4].value);
  out.report_asked = all[4].given;
  if (out.log.empty()) out.log = value_of("NOSIGBUS_LOG");
  out.follow = settle_flag(out.follow, "NOSIGBUS_FOLLOW");
  out.backtrace = settle_flag(out.backtrace, "NOSIGBUS_BACKTRACE");
  const int first = program < argc && std::string(argv[program]) == "--" ? program + 1 : program;
  out.command.assign(argv + std::min(first, argc), argv + argc);
  if (out.command.empty()) throw failure(own_failure, std::string("which program?") + see_help);
  return out;
}

}  // namespace nosigbus::run
