// SPDX-License-Identifier: MIT
//
// Signal actions as a handler on top of others keeps them.
#pragma once

#include <src/shared/actions.h>

namespace nosigbus::actions {

// An immutable copy that lives for ever; the same one for equal actions, so that putting handlers on and
// off again and again does not use up memory. Null without memory. Async-signal-safe.
const previous_action* intern(const struct sigaction& action);

struct sigaction to_sigaction(const previous_action& action);

// The action with which `handler` stands in front of the previous one.
struct sigaction in_front_of(const previous_action& previous, void (*handler)(int, siginfo_t*, void*));

}  // namespace nosigbus::actions
