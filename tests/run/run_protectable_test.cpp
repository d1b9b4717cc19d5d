// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cstdlib>

#include "files.h"
#include "tool.h"

using namespace test;

namespace {

void check_refused(const words& command, const char* because) {
  const tool_result result = run_tool(command);
  CHECK(result.how == exited(124));
  CHECK(result.out.empty());
  CHECK(result.err.find("cannot be protected") != std::string::npos);
  INFO(result.err);
  CHECK(result.err.find(because) != std::string::npos);
}

}  // namespace

TEST_CASE("a static program is refused") {
  check_refused({NOSIGBUS_TEST_STATIC}, "statically linked");
  check_refused({NOSIGBUS_TEST_STATIC_PIE}, "statically linked");
}

TEST_CASE("a program for another machine is refused") {
  const program_folder here;
  check_refused({here.write("machine", with_header(+[](Elf64_Ehdr& header) { header.e_machine = EM_S390; }))},
                "another processor");
  check_refused(
      {here.write("class", with_header(+[](Elf64_Ehdr& header) { header.e_ident[EI_CLASS] = ELFCLASS32; }))},
      "another processor or word size");
  check_refused(
      {here.write("order", with_header(+[](Elf64_Ehdr& header) { header.e_ident[EI_DATA] = ELFDATA2MSB; }))},
      "another processor");
}

TEST_CASE("a program for another C library is refused") {
  const program_folder here;
  const std::string content = replaced(NOSIGBUS_TEST_SUBJECT, "/ld-linux", "/ld-other");
  REQUIRE(!content.empty());
  check_refused({here.write("musl", content)}, "another C library");
}

TEST_CASE("scripts are judged by what runs them") {
  const program_folder here;
  const std::string bad = NOSIGBUS_TEST_STATIC;
  check_refused({here.write("one", "#!" + bad + "\n")}, "statically linked");
  check_refused({here.write("two", "#! " + here.write("three", "#!\t" + bad + " -x y\n") + "\n")},
                "statically");
  check_refused({here.write("env", "#!/usr/bin/env " + bad + "\n")}, "statically");
  check_refused({here.write("split", "#!/usr/bin/env -S A=b " + bad + " c\n")}, "statically");
  CHECK(run_tool({here.write("good", "#!/bin/sh\nexit 3\n")}).how == exited(3));
  // Named env, and run by itself: the kernel says what is wrong with it.
  const std::string loop = here.write("env", "");
  CHECK(run_tool({here.write("env", "#!" + loop + " sh\n")}).how == exited(126));
  CHECK(run_tool({here.write("good2", "#!/usr/bin/env sh\nexit 4\n")}).how == exited(4));
  // As execvp(3) has it.
  CHECK(run_tool({here.write("plain", "exit $1\n"), "5"}).how == exited(5));
  CHECK(run_tool({here.write("nowhere", "#!/nonsense\n")}).how == exited(127));
  CHECK(run_tool({here.write("circle", "#!" + here.write("circle2", "#!/bin/true\n") + "\n")}).how ==
        exited(0));
}

TEST_CASE("a program that takes another user's privileges is refused") {
  if (geteuid() != 0) return;
  const program_folder here;
  const std::string user = here.copy(NOSIGBUS_TEST_SUBJECT, "setuid");
  const std::string group = here.copy(NOSIGBUS_TEST_SUBJECT, "setgid");
  const std::string own = here.copy(NOSIGBUS_TEST_SUBJECT, "own");
  REQUIRE(chown(user.c_str(), 65534, 0) == 0);
  REQUIRE(chmod(user.c_str(), 04755) == 0);
  REQUIRE(chown(group.c_str(), 0, 65534) == 0);
  REQUIRE(chmod(group.c_str(), 02755) == 0);
  REQUIRE(chmod(own.c_str(), 06755) == 0);
  check_refused({user}, "setuid");
  // Who may execute it and not read it, as anybody but root finds it.
  const std::string secret = here.copy(NOSIGBUS_TEST_SUBJECT, "secret");
  REQUIRE(chown(secret.c_str(), 0, 0) == 0);
  REQUIRE(chmod(secret.c_str(), 04711) == 0);
  const std::string run = here.copy(NOSIGBUS_TEST_RUN, "run");
  const std::string library = here.copy(NOSIGBUS_TEST_STAND_IN, "library");
  const outcome unreadable = in_child([&] {
    setenv("NOSIGBUS_PRELOAD", library.c_str(), 1);
    CHILD_CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    execl(run.c_str(), "run", secret.c_str(), "exit", "9", nullptr);
    return 99;
  });
  CHECK(unreadable == exited(124));
  check_refused({group}, "setgid");
  const tool_result root = run_tool({own, "exit", "6"});
  CHECK(root.how == exited(6));
  CHECK(root.err.empty());
  // Where the kernel does not grant them, there is nothing to refuse.
  const outcome how = in_child([&] {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const tool_result result = run_tool({user, "exit", "7"});
    CHILD_CHECK(result.err.empty());
    return result.how.exit_code;
  });
  CHECK(how == exited(7));
}

TEST_CASE("a program that turns out to be unprotected is reported") {
  const variables no_library{{"NOSIGBUS_PRELOAD", NOSIGBUS_TEST_SUBJECT}};
  const tool_result result = run_tool(subject({}, {"exit", "8"}), no_library);
  CHECK(result.how == exited(8));
  CHECK(result.err.find("ran unprotected") != std::string::npos);
  CHECK(run_tool(subject({"--report=json", "--log=fd:1"}, {}), no_library).out.find("\"attached\":0") !=
        std::string::npos);
}

TEST_CASE("what a script names moves no cursor") {
  const program_folder here;
  const std::string script = here.write("script", "#!/nonsense\033]0;title\007\n");
  const tool_result result = run_tool({script});
  CHECK(result.how == exited(127));
  CHECK(result.err.find("/nonsense\\x1b]0;title\\x07") != std::string::npos);
  CHECK(result.err.find('\033') == std::string::npos);
}
