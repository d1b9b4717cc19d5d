// SPDX-License-Identifier: MIT
//
// What is mapped, where names and the kernel say little: files of other mount namespaces, anonymous huge
// pages, the dynamic linker's own mappings, a kernel without PROCMAP_QUERY.
#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstddef>
#include <filesystem>

#include "../support/refusal.h"
#include "scenario.h"

using namespace preload_test;

namespace {

void enter_namespace_of_its_own() {
  EXPECT(unshare(CLONE_NEWNS) == 0);
  EXPECT(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
}

enum class client { stays, is_gone };
// A descriptor of a file on a tmpfs that nobody but a client has mounted.
int file_of_a_client(const char* folder, const std::string& path, client then, bool deleted = false) {
  const long child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
  EXPECT(child >= 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    enter_namespace_of_its_own();
    EXPECT(mount("none", folder, "tmpfs", 0, nullptr) == 0);
    const int fd = open(path.c_str(), O_RDWR | O_CREAT, 0600);
    EXPECT(fd >= 0 && dup2(fd, 100) == 100);
    if (deleted) unlink(path.c_str());
    EXPECT(ftruncate(fd, 4 * page) == 0);
    while (then == client::stays) pause();
    _exit(0);
  }
  struct stat status {};
  EXPECT(eventually([&] { return fstat(100, &status) == 0 && status.st_size != 0; }));
  if (then == client::is_gone) EXPECT(waitpid(static_cast<pid_t>(child), nullptr, 0) == child);
  return 100;
}

void read_what_is_gone(int fd) {
  void* const mapped = mmap(nullptr, 4 * page, PROT_READ, MAP_SHARED, fd, 0);
  EXPECT(mapped != MAP_FAILED);
  EXPECT(ftruncate(fd, 0) == 0);
  EXPECT(static_cast<volatile unsigned char*>(mapped)[page] == 0);
}

void read_hugely(int flags) {
  constexpr size_t huge = size_t{2} << 20;
  void* const mapped = mmap(nullptr, 2 * huge, PROT_READ | PROT_WRITE,
                            flags | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return;
  auto* const data = static_cast<volatile unsigned char*>(mapped);
  for (size_t i = 0; i < 2; ++i) EXPECT(data[i * huge] == 0);
}

}  // namespace

SCENARIO(memory_that_a_client_has_mounted) {
  read_what_is_gone(file_of_a_client("/tmp", "/tmp/client", client::stays));
}
SCENARIO(memory_of_a_client_that_is_gone) {
  read_what_is_gone(file_of_a_client("/tmp", "/tmp/client", client::is_gone));
}
SCENARIO(memory_that_has_the_name_of_a_device) {
  read_what_is_gone(file_of_a_client("/dev", "/dev/null", client::stays));
}
SCENARIO(memory_that_has_the_name_of_anonymous_memory) {
  read_what_is_gone(file_of_a_client("/tmp", "/tmp/anon_hugepage", client::is_gone, true));
}

// No device, and its path leads elsewhere: what it is on is found among the mounts.
SCENARIO(a_file_that_another_mount_hides_kills) {
  enter_namespace_of_its_own();
  EXPECT(mount("none", "/mnt", "tmpfs", 0, nullptr) == 0);
  for (const char* folder : {"/mnt/lower", "/mnt/upper", "/mnt/work", "/mnt/both"}) {
    EXPECT(mkdir(folder, 0755) == 0);
  }
  constexpr const char* layers = "lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work";
  // Not every kernel has them.
  if (mount("none", "/mnt/both", "overlay", 0, layers) != 0) raise(SIGBUS);
  const int fd = open("/mnt/both/file", O_RDWR | O_CREAT, 0600);
  EXPECT(ftruncate(fd, 4 * page) == 0);
  EXPECT(mount("none", "/mnt/both", "tmpfs", 0, nullptr) == 0);
  read_what_is_gone(fd);
}

// Which kill where there are none to be had.
SCENARIO(huge_pages_without_a_file) { read_hugely(MAP_PRIVATE); }
SCENARIO(shared_huge_pages_without_a_file) { read_hugely(MAP_SHARED); }

SCENARIO(a_library_is_cut_off) {
  const std::string path = "/var/tmp/nosigbus-library." + std::to_string(getpid()) + ".so";
  std::filesystem::copy_file(PRELOAD_VICTIM_DATA, path);
  void* const library = dlopen(path.c_str(), RTLD_NOW);
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  unlink(path.c_str());
  EXPECT(library != nullptr && fd >= 0);
  const auto* const data = static_cast<const volatile unsigned char*>(dlsym(library, "preload_victim_data"));
  EXPECT(data != nullptr && data[900'000] == 0x37);
  EXPECT(ftruncate(fd, 100'000) == 0);
  EXPECT(data[900'000] == 0);
  // Its destructors are gone.
  _exit(0);
}

SCENARIO(a_kernel_that_is_not_asked_by_ioctl) {
  const mapped_file file(16), own(16, MAP_PRIVATE);
  test::refuse({SYS_ioctl, ENOTTY});  // Linux before 6.11 does not know PROCMAP_QUERY
  file.truncate(5);
  own.truncate(3 * page);
  EXPECT(file[9 * page] == 0);
  EXPECT(own[4 * page] == 0);
  file.grow_back(7);
  own.grow_back(8);
  EXPECT(becomes(file[9 * page], 7));
  EXPECT(becomes(own[4 * page], 8));
}
