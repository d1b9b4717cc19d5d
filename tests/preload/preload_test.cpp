// SPDX-License-Identifier: MIT
//
// Unmodified programs under the drop-in: what kills them without it, and what still has to.
#include <doctest/doctest.h>
#include <signal.h>
#include <tests/support/child.h>
#include <tests/support/fault_context.h>
#include <tests/support/small_filesystem.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace {

using variables = std::vector<std::pair<const char*, const char*>>;

test::outcome run(const std::string& scenario, const variables& environment) {
  return test::in_child(
      [&] {
        for (const auto& [name, value] : environment) setenv(name, value, 1);
        execl(PRELOAD_VICTIM, "preload_victim", scenario.c_str(), nullptr);
        return 127;
      },
      40);
}

test::outcome plain(const std::string& scenario) { return run(scenario, {}); }

test::outcome with_drop_in(const std::string& scenario, variables environment = {}) {
  environment.emplace_back("LD_PRELOAD", PRELOAD_LIBRARY);
  return run(scenario, environment);
}

const test::outcome survived = test::exited(0), bus_error = test::killed_by(SIGBUS);

}  // namespace

TEST_CASE("survived with the drop-in, deadly without") {
  for (const std::string scenario : {"memory_files",
                                     "shared_memory_files",
                                     "written_bytes_go_nowhere",
                                     "mapped_by_a_raw_system_call",
                                     "a_mapping_grows_after_damage",
                                     "a_damaged_mapping_is_moved",
                                     "a_damaged_mapping_is_duplicated",
                                     "parts_are_unmapped",
                                     "something_else_is_mapped_over_it",
                                     "its_protection_changes",
                                     "memory_that_took_its_place_unseen_is_let_alone",
                                     "memory_that_took_an_overlays_place_behind_the_file",
                                     "memory_in_front_of_an_overlay_when_the_file_gets_shorter",
                                     "cut_off_page_by_page",
                                     "nothing_is_left_behind",
                                     "pages_come_back",
                                     "what_the_program_wrote_to_private_pages_stays",
                                     "a_reader_that_never_calls_anything_sees_them",
                                     "again_and_again",
                                     "sigprocmask_blocks_everything",
                                     "a_thread_blocks_everything",
                                     "a_thread_is_made_with_everything_blocked",
                                     "handlers_that_block_everything",
                                     "sigsuspend_blocks_everything",
                                     "ppoll_blocks_everything",
                                     "pselect_blocks_everything",
                                     "epoll_pwait_blocks_everything",
                                     "children_of_fork",
                                     "exec_with_sigbus_blocked",
                                     "everything_is_closed",
                                     "no_descriptor_to_spare",
                                     "no_right_to_a_descriptor",
                                     "the_program_finds_its_own_action"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == survived);
    CHECK(plain(scenario) == bus_error);
  }
}

TEST_CASE("survived with the drop-in") {
  for (const std::string scenario :
       {"huge_pages_of_odd_length", "nothing_runs_while_nothing_is_damaged", "children_of_clone",
        "a_child_of_vfork_faults", "children_of_vfork_before_anything_else", "children_of_posix_spawn",
        "another_user", "no_new_privileges_while_damaged", "another_namespace_while_damaged"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == survived);
  }
}

TEST_CASE("the program's own handler is called and completed") {
  for (const std::string scenario :
       {"a_handler_that_gives_up", "a_handler_that_gives_up_with_the_signal_blocked",
        "a_handler_that_resets_and_kills", "a_handler_that_faults_itself", "a_handler_for_once",
        "an_alternate_stack"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == survived);
    CHECK(plain(scenario).signo != 0);
  }
  // Without the drop-in this one is called for ever.
  CHECK(with_drop_in("a_handler_that_does_nothing") == survived);
  CHECK(with_drop_in("children_of_vfork") == survived);
  CHECK(with_drop_in("sigset_installs_a_handler") == survived);
}

TEST_CASE("what the program's handler does is done") {
  for (const std::string scenario :
       {"a_handler_that_puts_zeros_there", "a_handler_that_puts_its_own_pages_there",
        "a_handler_that_leaves_by_longjmp", "a_sent_signal_reaches_the_program",
        "the_handler_of_a_genuine_bug_is_called", "signal_after_siginterrupt",
        "a_wait_lets_a_held_signal_through", "the_program_finds_its_own_mask"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == survived);
    const bool one_page = scenario == "a_handler_that_puts_zeros_there";
    if (!one_page) CHECK(plain(scenario) == survived);
  }
}

TEST_CASE("rescue keeps the program's handler out") {
  CHECK(with_drop_in("a_handler_that_is_kept_out", {{"NOSIGBUS_OWN_HANDLER", "rescue"}}) == survived);
}

TEST_CASE("what kills without the drop-in kills with it") {
  struct death {
    std::string scenario;
    int signo;
    variables environment;
    int with_drop_in;
  };
  for (const death& each :
       std::vector<death>{{"a_sent_signal_kills", SIGBUS, {}, SIGBUS},
                          {"a_sent_signal_kills_when_it_is_let_through", SIGBUS, {}, SIGBUS},
                          {"a_null_pointer_kills", SIGSEGV, {}, SIGSEGV},
                          {"a_disk_file_kills", SIGBUS, {}, SIGBUS},
                          {"a_write_kills", SIGBUS, {{"NOSIGBUS_WRITE", "pass"}}, SIGBUS},
                          {"instructions_that_are_gone_kill", SIGBUS, {}, test::misuse_signal()}}) {
    CAPTURE(each.scenario);
    CHECK(with_drop_in(each.scenario, each.environment) == test::killed_by(each.with_drop_in));
    CHECK(plain(each.scenario) == test::killed_by(each.signo));
  }
}

TEST_CASE("files are guarded where that is asked for") {
  CHECK(with_drop_in("disk_files") == bus_error);
  CHECK(with_drop_in("disk_files", {{"NOSIGBUS_SCOPE", "files"}}) == survived);
  CHECK(with_drop_in("disk_files", {{"NOSIGBUS_SCOPE", "all"}}) == survived);
}

TEST_CASE("a sent signal is kept for who waits for it") {
  CHECK(with_drop_in("a_sent_signal_waits_until_it_is_let_through") == survived);
}

TEST_CASE("a handler goes on policing, whatever it does with its own action") {
  for (const std::string scenario :
       {"a_handler_that_arms_itself_again", "a_handler_that_arms_itself_as_in_1980",
        "a_handler_that_hands_over", "a_handler_with_a_stand_in",
        "a_handler_that_gives_way_to_whom_it_displaced",
        "an_action_is_written_over_the_one_that_was_given"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == survived);
  }
}

TEST_CASE("a handler gets the memory that it asks for") {
  for (const std::string scenario :
       {"a_handler_that_writes_where_the_program_could_not", "a_handler_that_writes_where_the_program_could",
        "a_handler_that_changes_the_protection_first"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == survived);
  }
  CHECK(with_drop_in("a_handler_that_writes_to_a_file_that_is_not_to_be_written",
                     {{"NOSIGBUS_SCOPE", "files"}}) == survived);
  CHECK(plain("a_handler_that_writes_where_the_program_could_not") == survived);
  CHECK(plain("a_handler_that_makes_it_inaccessible") == test::killed_by(SIGSEGV));
  CHECK(with_drop_in("a_handler_that_makes_it_inaccessible") == test::killed_by(SIGSEGV));
}

TEST_CASE("what a library's constructor arranges is arranged with us in place") {
  const std::string scenario = "a_librarys_constructor_installs_a_handler_that_blocks_everything";
  CHECK(with_drop_in(scenario) == survived);
  CHECK(plain(scenario) == bus_error);
}

TEST_CASE("a handler that is left by an exception is not at work any more") {
  CHECK(with_drop_in("a_handler_that_leaves_by_an_exception") == survived);
  CHECK(plain("a_handler_that_leaves_by_an_exception") == survived);
}

TEST_CASE("a sent signal that was taken leaves no thread unprotected") {
  for (const std::string scenario :
       {"a_sent_signal_is_taken_by_sigwait", "a_sent_signal_is_taken_by_sigwaitinfo",
        "a_sent_signal_is_taken_by_sigtimedwait", "a_sent_signal_is_read_from_a_descriptor",
        "a_sent_signal_is_dropped_by_the_child", "a_thread_is_made_while_a_sent_signal_waits",
        "attributes_of_threads_keep_their_mask"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == survived);
  }
  CHECK(plain("attributes_of_threads_keep_their_mask") == survived);
}

TEST_CASE("a handler that gives up with its group takes nobody along") {
  for (const std::string scenario :
       {"a_handler_that_kills_its_group", "a_handler_that_kills_its_group_by_number",
        "a_handler_that_kills_its_group_as_a_process"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == survived);
    CHECK(plain(scenario) == bus_error);
  }
}

TEST_CASE("what other threads do at the first fault is let alone") {
  for (const std::string scenario :
       {"a_tail_is_unmapped_at_the_first_fault", "a_tail_is_mapped_over_at_the_first_fault",
        "a_protection_changes_at_the_first_fault", "calls_are_left_by_longjmp",
        "handlers_fault_in_the_middle_of_calls"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == survived);
  }
}

TEST_CASE("the table of descriptors is the program's") {
  for (const std::string scenario : {"the_lowest_number_is_the_programs_while_pages_come_back",
                                     "the_lowest_number_is_the_programs_while_others_fault",
                                     "a_number_that_is_taken_stays_open", "children_inherit_nothing_of_ours",
                                     "everything_is_closed_all_the_time", "what_is_closed_is_closed"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == survived);
  }
}

TEST_CASE("a shortage that has passed does not keep pages from coming back") {
  for (const std::string scenario :
       {"no_descriptor_when_pages_come_back", "no_right_to_a_descriptor_when_pages_come_back",
        "no_thread_at_first", "no_room_for_a_shadow_at_first"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == survived);
  }
}

TEST_CASE("children of vfork are known in processes that nobody announced") {
  for (const std::string scenario : {"vfork_after_a_raw_fork", "vfork_after_an_unannounced_fork",
                                     "vfork_after_two_raw_forks", "a_raw_fork_that_is_orphaned"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == survived);
  }
}

TEST_CASE("memory is guarded in whosever mount namespace it is") {
  if (!test::file_systems_can_be_mounted()) return;
  for (const std::string scenario :
       {"memory_that_a_client_has_mounted", "memory_of_a_client_that_is_gone",
        "memory_that_has_the_name_of_a_device", "memory_that_has_the_name_of_anonymous_memory"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == survived);
    CHECK(plain(scenario) == bus_error);
  }
  CHECK(with_drop_in("a_file_that_another_mount_hides_kills") == bus_error);
}

TEST_CASE("memory without a file is nobody's to truncate") {
  for (const std::string scenario : {"huge_pages_without_a_file", "shared_huge_pages_without_a_file"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == plain(scenario));
  }
}

TEST_CASE("what the dynamic linker has mapped is a file") {
  CHECK(with_drop_in("a_library_is_cut_off") == bus_error);
  CHECK(with_drop_in("a_library_is_cut_off", {{"NOSIGBUS_SCOPE", "files"}}) == survived);
}

TEST_CASE("older kernels tell of mappings in /proc alone") {
  CHECK(with_drop_in("a_kernel_that_is_not_asked_by_ioctl") == survived);
  CHECK(plain("a_kernel_that_is_not_asked_by_ioctl") == bus_error);
}

TEST_CASE("a hole that cannot be filled is zeros alone, or passed on") {
  if (!test::file_systems_can_be_mounted()) return;
  for (const std::string scenario : {"holes_that_cannot_be_filled", "private_holes_that_cannot_be_filled"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario) == survived);
    CHECK(with_drop_in(scenario, {{"NOSIGBUS_IO", "absorb"}}) == survived);
    CHECK(with_drop_in(scenario, {{"NOSIGBUS_IO", "pass"}}) == bus_error);
    CHECK(plain(scenario) == bus_error);
  }
}

TEST_CASE("pages come back in time") { CHECK(with_drop_in("how_long_pages_take_to_come_back") == survived); }

TEST_CASE("everything at once") { CHECK(with_drop_in("storm") == survived); }

TEST_CASE("writes are passed on to what is missing, and reach what is whole again") {
  const variables pass{{"NOSIGBUS_WRITE", "pass"}}, files{{"NOSIGBUS_SCOPE", "files"}};
  for (const std::string scenario : {"a_write_to_what_is_whole_again", "a_write_from_many_threads"}) {
    CAPTURE(scenario);
    // Where the machine does not tell a write, one that the healer overtakes is nobody's (docs/porting.md).
    const bool told = test::contexts_tell || scenario != "a_write_from_many_threads";
    if (told) CHECK(with_drop_in(scenario, pass) == survived);
    CHECK(plain(scenario) == bus_error);
  }
  CHECK(with_drop_in("a_write_to_a_file_that_is_whole_again", files) == survived);
  CHECK(with_drop_in("a_write_after_a_read_kills", pass) == bus_error);
  CHECK(with_drop_in("a_write_that_the_programs_handler_gets", pass) == survived);
}

TEST_CASE("the program's SIGSEGV stays its own where writes are passed on") {
  const variables pass{{"NOSIGBUS_WRITE", "pass"}};
  for (const std::string scenario : {"a_write_barrier", "a_handler_for_sigsegv_once"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario, pass) == survived);
  }
  for (const std::string scenario :
       {"a_null_pointer_kills", "a_write_that_is_not_permitted_kills", "sigsegv_that_is_sent_kills"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario, pass) == test::killed_by(SIGSEGV));
  }
}
