// SPDX-License-Identifier: MIT
//
// Programs with handlers of their own under the drop-in: these are called, and what they do is done.
#include <doctest/doctest.h>

#include "drop_in.h"

using namespace test;

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

TEST_CASE("a sent signal is kept for who waits for it") {
  CHECK(with_drop_in("a_sent_signal_waits_until_it_is_let_through") == survived);
}

// Not called again from within, without an end.
TEST_CASE("a handler that meets a fault that is not ours dies of it") {
  CHECK(with_drop_in("a_genuine_bug_of_the_handler_kills") == bus_error);
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
  CHECK(plain("a_handler_that_makes_it_inaccessible") == killed_by(SIGSEGV));
  CHECK(with_drop_in("a_handler_that_makes_it_inaccessible") == killed_by(SIGSEGV));
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

TEST_CASE("the program's SIGSEGV stays its own where writes are passed on") {
  const variables pass{{"NOSIGBUS_WRITE", "pass"}};
  for (const std::string scenario : {"a_write_barrier", "a_handler_for_sigsegv_once"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario, pass) == survived);
  }
  for (const std::string scenario :
       {"a_null_pointer_kills", "a_write_that_is_not_permitted_kills", "sigsegv_that_is_sent_kills"}) {
    CAPTURE(scenario);
    CHECK(with_drop_in(scenario, pass) == killed_by(SIGSEGV));
  }
}
