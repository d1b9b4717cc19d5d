// SPDX-License-Identifier: MIT
//
// SIGBUS, first for nosigbus, and once more where a client has made so many mappings in the compositor that
// the kernel makes no other (vm.max_map_count, 65530 by default, for which that many wl_shm pools are
// enough): then nosigbus finds no room for zeros. So some is kept for that day. A server without that takes
// nosigbus_install and is done.
#pragma once

namespace compositor {

// 0 or -errno.
int handle_sigbus();

}  // namespace compositor
