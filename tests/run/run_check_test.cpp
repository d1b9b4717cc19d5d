// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <elf.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "files.h"
#include "tool.h"

using namespace test;
using json = nlohmann::json;

namespace {

json check(const std::string& program, const words& options = {}, const variables& environment = {}) {
  words all{"--check", "--report=json"};
  all.insert(all.end(), options.begin(), options.end());
  all.push_back(program);
  const tool_result result = run_tool(all, environment);
  CHECK(result.err.empty());
  REQUIRE(!result.out.empty());
  json out = json::parse(result.out);
  CHECK(result.how == exited(out["status"].get<int>()));
  CHECK(out["protectable"].get<bool>() == (out["status"] == 0));
  return out;
}

// What is said of that: refused, guarded, unguarded, note, in alphabetical order; empty: nothing.
std::string verdict(const json& of, const char* id) {
  std::vector<std::string> all;
  for (const json& each : of["findings"]) {
    if (each["id"] == id) all.push_back(each["what"]);
  }
  std::sort(all.begin(), all.end());
  std::string text;
  for (const std::string& each : all) text += (text.empty() ? "" : " ") + each;
  return text;
}

// It is refused for that, and so is the program itself.
void check_refused(const std::string& program, int status, const char* id) {
  INFO(program);
  const json found = check(program);
  CHECK(found["status"] == status);
  REQUIRE(found["findings"].size() == 1);
  CHECK(verdict(found, id) == "refused");
  CHECK(run_tool({program}).how == exited(status));
}

}  // namespace

TEST_CASE("--check refuses what nosigbus-run refuses and with the same status") {
  const program_folder here;
  check_refused(NOSIGBUS_TEST_STATIC, 124, "static");
  check_refused(NOSIGBUS_TEST_STATIC_PIE, 124, "static");
  check_refused(here.write("machine", with_header(+[](Elf64_Ehdr& header) { header.e_machine = EM_S390; })),
                124, "other-machine");
  check_refused(
      here.write("class", with_header(+[](Elf64_Ehdr& header) { header.e_ident[EI_CLASS] = ELFCLASS32; })),
      124, "other-machine");
  check_refused(here.write("loader", replaced(NOSIGBUS_TEST_SUBJECT, "/ld-linux", "/ld-other")), 124,
                "other-c-library");
  check_refused(here.write("script", "#!" NOSIGBUS_TEST_STATIC "\n"), 124, "static");
  check_refused(here.write("env", "#!/usr/bin/env -S A=b " NOSIGBUS_TEST_STATIC " x\n"), 124, "static");
  check_refused("/nonsense", 127, "not-found");
  check_refused("no-such-program-in-path", 127, "not-found");
  check_refused(here.write("nowhere", "#!/nonsense\n"), 127, "not-found");
  check_refused("/etc/passwd", 126, "not-executable");
  check_refused("/usr", 126, "not-executable");
#ifdef NOSIGBUS_TEST_MUSL
  check_refused(NOSIGBUS_TEST_MUSL, 124, "other-c-library");
#endif
  if (geteuid() != 0) return;
  const std::string setuid = here.copy(NOSIGBUS_TEST_SUBJECT, "setuid");
  REQUIRE(chown(setuid.c_str(), 65534, 0) == 0);
  REQUIRE(chmod(setuid.c_str(), 04755) == 0);
  check_refused(setuid, 124, "setuid");
}

TEST_CASE("--check of what can be protected runs nothing") {
  const program_folder here;
  const tool_result result = run_tool(subject({"--check"}, {"variable", "HOME", "exit", "9"}));
  CHECK(result.how == exited(0));
  CHECK(result.err.empty());
  CHECK(result.out.find(NOSIGBUS_TEST_SUBJECT " can be protected\n") == 0);
  CHECK(check("true")["program"].get<std::string>().ends_with("/true"));
  const std::string flag = here.write("flag", "");
  const std::string script = here.write("script", "#!/bin/sh\nrm " + flag + "\n");
  const json found = check(script);
  CHECK(found["status"] == 0);
  CHECK(verdict(found, "run-by") == "note");
  CHECK(found["files"].size() > 1);
  CHECK(!content_of(script).empty());
  CHECK(access(flag.c_str(), F_OK) == 0);
}

TEST_CASE("--check does not run what the loader would run") {
  const program_folder here;
  const std::string flag = here.write("flag", "");
  std::filesystem::remove(flag);
  const json found = check(NOSIGBUS_TEST_AUDITED, {}, {{"AUDITED", flag}});
  CHECK(found["status"] == 0);
  CHECK(verdict(found, "auditors") == "note");
  CHECK(access(flag.c_str(), F_OK) != 0);
  CHECK(verdict(check("/bin/true"), "auditors").empty());
  CHECK(run_tool({NOSIGBUS_TEST_AUDITED}, {{"AUDITED", flag}}).how == exited(0));
  CHECK(access(flag.c_str(), F_OK) == 0);
}

TEST_CASE("--check tells what the options make of it") {
  const std::string program = "/bin/true";
  struct row {
    words options;
    const char *files, *devices, *io, *writes;
  };
  const row rows[] = {
      {{}, "unguarded", "unguarded", "guarded", "guarded"},
      {{"--scope=files"}, "guarded", "unguarded", "guarded unguarded", "guarded unguarded"},
      {{"--scope=all"}, "guarded", "guarded", "guarded unguarded", "guarded unguarded"},
      {{"--scope=files", "--io=absorb"}, "guarded", "unguarded", "guarded", "guarded unguarded"},
      {{"--scope=files", "--write=discard"}, "guarded", "unguarded", "guarded unguarded", "guarded"},
      {{"--io=pass"}, "unguarded", "unguarded", "unguarded", "guarded"},
      {{"--write=pass"}, "unguarded", "unguarded", "guarded", "unguarded"},
  };
  for (const row& each : rows) {
    const json found = check(program, each.options);
    INFO(found.dump());
    CHECK(verdict(found, "shared-memory") == "guarded");
    CHECK(verdict(found, "files") == each.files);
    CHECK(verdict(found, "devices") == each.devices);
    CHECK(verdict(found, "io-errors") == each.io);
    CHECK(verdict(found, "writes") == each.writes);
    CHECK(verdict(found, "system-calls") == "unguarded");
  }
  CHECK(verdict(check(program, {}, {{"NOSIGBUS_SCOPE", "files"}}), "files") == "guarded");
}

TEST_CASE("--check sees what a program does with signals and programs") {
  const json subject = check(NOSIGBUS_TEST_SUBJECT), quiet = check("/bin/true"), shell = check("/bin/bash");
  CHECK(verdict(subject, "sets-handlers") == "note");
  CHECK(verdict(subject, "own-system-calls") == "note");
  CHECK(verdict(subject, "starts-programs").empty());
  CHECK(verdict(shell, "starts-programs") == "note");
  CHECK(verdict(shell, "loads-at-run-time") == "note");
  for (const char* id : {"sets-handlers", "own-system-calls", "starts-programs", "loads-at-run-time", "go",
                         "sanitizer", "missing-library"}) {
    INFO(id);
    CHECK(verdict(quiet, id).empty());
  }
}

TEST_CASE("--check knows runtimes that take SIGBUS") {
  const json go = check(NOSIGBUS_TEST_GO_LIKE);
  CHECK(verdict(go, "go") == "unguarded");
  CHECK(verdict(check(NOSIGBUS_TEST_GO_LIKE, {"--own-handler=rescue"}), "go").empty());
#ifdef NOSIGBUS_TEST_SANITIZED_PROGRAM
  const json sanitized = check(NOSIGBUS_TEST_SANITIZED_PROGRAM);
  CHECK(verdict(sanitized, "sanitizer") == "unguarded");
  CHECK(sanitized.dump().find("ASAN_OPTIONS=") != std::string::npos);
#endif
}

TEST_CASE("--check knows servers whose own handlers end them") {
  const program_folder here;
  const struct {
    const char *name, *id;  // no id: nothing is known of it
  } rows[] = {{"Xorg", "xserver"},
              {"Xvfb", "xserver"},
              {"Xwayland", "xserver"},
              {"pulseaudio", "pulseaudio"},
              {"else", nullptr}};
  for (const auto& row : rows) {
    INFO(row.name);
    const std::string program = here.write(row.name, content_of(NOSIGBUS_TEST_SUBJECT));
    const json found = check(program);
    const bool advised = found.dump().find("--own-handler=rescue gives zeros instead") != std::string::npos;
    CHECK(advised == (row.id != nullptr));
    if (row.id == nullptr) continue;
    CHECK(verdict(found, row.id) == "note");
    CHECK(verdict(check(program, {"--own-handler=rescue"}), row.id).empty());
  }
}

TEST_CASE("--check asks the loader") {
  const program_folder here;
  const std::string missing =
      here.write("missing", replaced(NOSIGBUS_TEST_SUBJECT, "libc.so.6", "libc.so.X"));
  CHECK(verdict(check(missing), "missing-library") == "note");
  // Some file that is no library.
  const json unloaded = check("/bin/true", {}, {{"NOSIGBUS_PRELOAD", "/etc/passwd"}});
  CHECK(unloaded["status"] == 124);
  CHECK(verdict(unloaded, "not-loaded") == "refused");
  CHECK(run_tool({"--check", "true"}, {{"NOSIGBUS_PRELOAD", "/nonsense"}}).how == exited(125));
  // Whatever a section's table says.
  for (const uint16_t count : {uint16_t{0}, uint16_t{60000}}) {
    std::string content = content_of(NOSIGBUS_TEST_SUBJECT);
    reinterpret_cast<Elf64_Ehdr*>(content.data())->e_shnum = count;
    const json found = check(here.write(count == 0 ? "none" : "many", content));
    CHECK(found["status"] == 0);
    CHECK(verdict(found, "unreadable") == "note");
  }
}

TEST_CASE("--check of a crafted file costs no more than the file is worth") {
  // Each symbol's name is the rest of the table of names from another place on.
  constexpr size_t count = 500, names_size = 2000000;
  std::string content = content_of("/bin/true"), names(names_size, 'a');
  std::vector<Elf64_Sym> symbols(count);
  for (size_t i = 0; i < count; ++i) symbols[i].st_name = static_cast<uint32_t>(i);
  Elf64_Shdr sections[3] = {};
  sections[1].sh_type = SHT_STRTAB;
  sections[1].sh_offset = content.size();
  sections[1].sh_size = names_size;
  sections[2].sh_type = SHT_DYNSYM;
  sections[2].sh_link = 1;
  sections[2].sh_offset = content.size() + names_size;
  sections[2].sh_size = count * sizeof(Elf64_Sym);
  auto* const header = reinterpret_cast<Elf64_Ehdr*>(content.data());
  header->e_shoff = sections[2].sh_offset + sections[2].sh_size;
  header->e_shnum = 3;
  header->e_shstrndx = 1;
  const auto append = [&content](const void* data, size_t size) {
    content.append(static_cast<const char*>(data), size);
  };
  append(names.data(), names_size);
  append(symbols.data(), count * sizeof(Elf64_Sym));
  append(sections, sizeof sections);
  const program_folder here;
  const std::string file = here.write("crafted", content);
  CHECK(check(file)["status"] == 0);
  rusage children{};
  REQUIRE(getrusage(RUSAGE_CHILDREN, &children) == 0);
  CHECK(children.ru_maxrss < 400 * 1024);  // KiB; all names together have a gigabyte
}

TEST_CASE("--check in text is as wide as a terminal and coloured on demand") {
  const tool_result plain = run_tool({"--check", "/bin/bash"});
  CHECK(plain.out.find('\033') == std::string::npos);
  std::istringstream lines(plain.out);
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    CHECK(line.size() < 80);
  }
  for (const char* part : {"\nProtected are\n", "\nNot protected are\n", "--scope=files"})
    CHECK(plain.out.find(part) != std::string::npos);
  CHECK(run_tool({"--check", "--color=always", "/bin/bash"}).out.find("\033[32mcan be protected\033[0m") !=
        std::string::npos);
  const tool_result silent = run_tool({"--check", "--report=none", NOSIGBUS_TEST_STATIC});
  CHECK(silent.how == exited(124));
  CHECK(silent.out.empty());
  CHECK(run_tool({"--check", "--log=fd:2", "/bin/bash"}).err == plain.out);
}
