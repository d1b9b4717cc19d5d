// SPDX-License-Identifier: MIT
//
// Sanitizers read these at start. They put handlers and alternate stacks of their own in place, where the
// tests want what the kernel alone would do: a death by signal stays one.

extern "C" const char* __asan_default_options() {
  return "handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:handle_abort=0:use_sigaltstack=0";
}

extern "C" const char* __ubsan_default_options() {
  return "handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:handle_abort=0:print_stacktrace=1";
}

// Tests fork with threads running.
extern "C" const char* __tsan_default_options() {
  return "handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:handle_abort=0:use_sigaltstack=0:"
         "die_after_fork=0";
}
