// SPDX-License-Identifier: MIT
#include "stalling_filesystem.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>

#include "support/child.h"
#include "support/shared_file.h"

namespace test {

namespace {

constexpr const char* place = "/tmp";
constexpr uint64_t folder = FUSE_ROOT_ID, file = 2;

fuse_attr attributes_of(uint64_t node) {
  fuse_attr attributes{};
  attributes.ino = node;
  attributes.mode = node == folder ? S_IFDIR | 0755 : S_IFREG | 0666;
  attributes.nlink = 1;
  attributes.size = node == folder ? 0 : 4 * page_size();
  attributes.blksize = static_cast<uint32_t>(page_size());
  return attributes;
}

class answer {
 public:
  answer(int device, const fuse_in_header& question) : device_(device), id_(question.unique) {}

  void say(const void* content, size_t size, int error = 0) const {
    fuse_out_header header{};
    header.len = static_cast<uint32_t>(sizeof header + size);
    header.error = -error;
    header.unique = id_;
    const iovec parts[] = {{&header, sizeof header}, {const_cast<void*>(content), size}};
    static_cast<void>(writev(device_, parts, size == 0 ? 1 : 2) == 0);
  }
  template <class Content>
  void say(const Content& content) const {
    say(&content, sizeof content);
  }

 private:
  int device_;
  uint64_t id_;
};

void begin(const answer& to, const fuse_init_in& wish) {
  fuse_init_out out{};
  out.major = FUSE_KERNEL_VERSION;
  out.minor = wish.minor < FUSE_KERNEL_MINOR_VERSION ? wish.minor : FUSE_KERNEL_MINOR_VERSION;
  out.max_readahead = 0;
  out.max_write = 4096;
  to.say(out);
}

void reply(const answer& to, const fuse_in_header& question, const void* rest) {
  switch (question.opcode) {
    case FUSE_INIT:
      return begin(to, *static_cast<const fuse_init_in*>(rest));
    case FUSE_LOOKUP: {
      fuse_entry_out out{};
      out.nodeid = file;
      out.attr = attributes_of(file);
      return to.say(out);
    }
    case FUSE_GETATTR: {
      fuse_attr_out out{};
      out.attr = attributes_of(question.nodeid);
      return to.say(out);
    }
    case FUSE_SETATTR: {
      const auto& wish = *static_cast<const fuse_setattr_in*>(rest);
      fuse_attr_out out{};
      out.attr = attributes_of(question.nodeid);
      if ((wish.valid & FATTR_SIZE) != 0) out.attr.size = wish.size;
      return to.say(out);
    }
    case FUSE_OPEN:
      return to.say(fuse_open_out{});
    case FUSE_READ: {
      const auto& wish = *static_cast<const fuse_read_in*>(rest);
      const std::string bytes(wish.size, 'x');
      return to.say(bytes.data(), bytes.size());
    }
    case FUSE_FLUSH:
    case FUSE_RELEASE:
      return to.say(nullptr, 0);
    default:
      return to.say(nullptr, 0, ENOSYS);
  }
}

}  // namespace

void stalling_filesystem::serve(int device, state& shared) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  alignas(fuse_in_header) static char bytes[1 << 16];
  for (;;) {
    const ssize_t got = read(device, bytes, sizeof bytes);
    if (got < 0 && errno == ENODEV) _exit(0);
    if (got < static_cast<ssize_t>(sizeof(fuse_in_header))) continue;
    const auto& question = *reinterpret_cast<const fuse_in_header*>(bytes);
    if (question.opcode == FUSE_FORGET || question.opcode == FUSE_BATCH_FORGET ||
        question.opcode == FUSE_INTERRUPT) {
      continue;
    }
    ++shared.requests;
    if (!shared.silent) {
      reply(answer(device, question), question, bytes + sizeof question);
      continue;
    }
    ++shared.victims;
    syscall(SYS_futex, &shared.victims, FUTEX_WAKE, 1);
  }
}

stalling_filesystem::stalling_filesystem() {
  void* const memory =
      mmap(nullptr, sizeof(state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHILD_CHECK(memory != MAP_FAILED);
  shared_ = new (memory) state{};
  CHILD_CHECK(unshare(CLONE_NEWNS) == 0);
  CHILD_CHECK(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
  const int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  CHILD_CHECK(device >= 0);
  const std::string options =
      "fd=" + std::to_string(device) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
  CHILD_CHECK(mount("none", place, "fuse", MS_NOSUID | MS_NODEV, options.c_str()) == 0);
  server_ = fork();
  if (server_ == 0) serve(device, *shared_);
  close(device);
}

stalling_filesystem::~stalling_filesystem() { end(); }

void stalling_filesystem::end() {
  if (server_ < 0) return;
  kill(server_, SIGKILL);
  waitpid(server_, nullptr, 0);
  umount2(place, MNT_DETACH);
  server_ = -1;
}

int stalling_filesystem::open_file() const {
  const int fd = open((std::string(place) + "/file").c_str(), O_RDWR | O_CLOEXEC);
  CHILD_CHECK(fd >= 0);
  return fd;
}

void stalling_filesystem::wait_for_victim() const {
  while (shared_->victims == 0) syscall(SYS_futex, &shared_->victims, FUTEX_WAIT, 0, nullptr);
}

bool stalling_filesystem::can_be_mounted() {
  return in_child([] {
           const stalling_filesystem probe;
           return close(probe.open_file());
         }) == exited(0);
}

}  // namespace test
