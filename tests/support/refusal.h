// SPDX-License-Identifier: MIT
//
// System calls that an older kernel does not know, or a filter refuses. For code in children.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>
#include <vector>

#include "child.h"

namespace test {

// With this error: all calls of a number, or those of which an argument, from 0 on, has one of these values.
struct refusal {
  int number;
  int error;
  unsigned argument = 0;
  std::vector<uint32_t> values = {};
};

// From now on, and without an end. Values are compared with the low half of the argument, as it lies on
// little-endian machines.
inline void refuse(const refusal& what) {
  const auto all = static_cast<uint8_t>(what.values.size());
  const auto number = static_cast<uint32_t>(what.number);
  std::vector<sock_filter> code{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  if (all == 0) {
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 1, 0));
  } else {
    const auto at = static_cast<uint32_t>(offsetof(seccomp_data, args) + what.argument * sizeof(uint64_t));
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, static_cast<uint8_t>(all + 1)));
    code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at));
    for (uint8_t i = 0; i < all; ++i) {
      code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, what.values[i], static_cast<uint8_t>(all - i), 0));
    }
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(what.error)));
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  CHILD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHILD_CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

// As before Linux 5.14: a page cannot be asked whether it could be read, or written.
inline void refuse_to_populate() {
  constexpr uint32_t populate_read = 22, populate_write = 23;  // MADV_POPULATE_*
  refuse({SYS_madvise, EINVAL, 2, {populate_read, populate_write}});
}

}  // namespace test
