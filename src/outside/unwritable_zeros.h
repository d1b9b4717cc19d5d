// SPDX-License-Identifier: MIT
#pragma once

#include <src/inside/mapping_info.h>

namespace nosigbus {

// Makes the template if it has not been made yet.
void make_unwritable_zeros();

// Whether this mapping was made from it: an overlay that outlived its region.
bool is_unwritable_zeros(const mapping_info& mapping);

}  // namespace nosigbus
