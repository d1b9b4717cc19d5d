// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>

namespace nosigbus::preload {

// Puts our handler in front of whatever handles SIGBUS (SIGSEGV) now. 0 or -errno.
int take_signal(int signo);

// As sigaction(2), as the program means it.
int change_action(int signo, const struct sigaction* action, struct sigaction* old);

}  // namespace nosigbus::preload
