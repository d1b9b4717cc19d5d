// SPDX-License-Identifier: MIT
//
// Programs that shut themselves up in an empty folder, without /proc and /dev.
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "scenario.h"

using namespace preload_test;

namespace {

void enter_empty_root() {
  char name[] = "./nosigbus-empty-XXXXXX";
  EXPECT(mkdtemp(name) != nullptr);
  const int outside = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (geteuid() != 0) EXPECT(unshare(CLONE_NEWUSER) == 0);
  EXPECT(chroot(name) == 0);
  EXPECT(unlinkat(outside, name, AT_REMOVEDIR) == 0);
  close(outside);
  EXPECT(chdir("/") == 0);
  EXPECT(access("/proc/self/maps", R_OK) != 0 && access("/dev/zero", R_OK) != 0);
}

}  // namespace

SCENARIO(an_empty_root_after_damage) {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[2 * page] == 0);
  enter_empty_root();
  EXPECT(all_are(file, 0, file.size(), 0));
}

SCENARIO(an_empty_root_before_damage) {
  const mapped_file file(4);
  enter_empty_root();
  file.truncate(0);
  EXPECT(file[2 * page] == 0);
}

SCENARIO(a_null_pointer_in_an_empty_root) {
  const mapped_file file(4);
  file.truncate(0);
  EXPECT(file[2 * page] == 0);
  enter_empty_root();
  *static_cast<volatile int*>(nullptr) = 1;
}
