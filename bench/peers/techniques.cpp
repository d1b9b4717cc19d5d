// SPDX-License-Identifier: MIT
#include "technique.h"

namespace peers {

const std::vector<technique>& all() {
  static const std::vector<technique> techniques{safe_read,
                                                 region,
                                                 guard,
                                                 unguarded,
                                                 libwayland,
                                                 libsigsegv,
                                                 process_vm_readv_self,
                                                 pread_file,
                                                 proc_self_mem,
                                                 sigsetjmp_mask,
                                                 sigsetjmp_no_mask,
                                                 overlay_of_pages,
                                                 overlay_of_mapping,
                                                 private_copy};
  return techniques;
}

const technique& find(const std::string& name) {
  for (const technique& t : all()) {
    if (name == t.name) return t;
  }
  abort();
}

}  // namespace peers
