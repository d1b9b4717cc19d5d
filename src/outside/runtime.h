// SPDX-License-Identifier: MIT
#pragma once

namespace nosigbus::runtime {

// Called when a region comes to be whose overlays are read-only although it can be written: from now on
// SIGSEGV is ours to look at too, as soon as the handler is installed. 0 or -errno.
int watch_writes_to_overlays();

}  // namespace nosigbus::runtime
