// SPDX-License-Identifier: MIT
#pragma once

namespace nosigbus::extable {

// Called when the handler is installed: from then on rows outlive the destructors that take them back when
// the process exits. Threads run on meanwhile, and so may their guarded operations.
void keep_rows_at_exit();

}  // namespace nosigbus::extable
