// SPDX-License-Identifier: MIT
//
// The kernel copies, and fails where a load would fault.
#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>

#include "technique.h"

namespace peers {

namespace {

// Until all came, or nothing does. once(to, offset, n): how many bytes came, or what is not positive.
template <class Once>
size_t read_all(unsigned char* to, size_t offset, size_t n, Once once) {
  size_t done = 0;
  while (done < n) {
    const ssize_t came = once(to + done, offset + done, n - done);
    if (came <= 0) break;
    done += static_cast<size_t>(came);
  }
  return done;
}

// Call: has once(to, offset, n).
template <class Call>
class by_calls : public reader {
 public:
  size_t read(unsigned char* to, size_t offset, size_t n) override {
    const Call& call = static_cast<const Call&>(*this);
    return read_all(to, offset, n,
                    [&](unsigned char* at, size_t from, size_t bytes) { return call.once(at, from, bytes); });
  }
  void touch(const uint32_t* pages, size_t count) override {
    unsigned char byte;
    for (size_t i = 0; i < count; ++i) static_cast<const Call&>(*this).once(&byte, pages[i] * page, 1);
  }
};

class of_file : public by_calls<of_file> {
 public:
  of_file(int fd, size_t) : fd_(fd) {}

  ssize_t once(void* to, size_t offset, size_t n) const {
    return pread(fd_, to, n, static_cast<off_t>(offset));
  }

 private:
  int fd_;
};

class of_own_memory : public by_calls<of_own_memory> {
 public:
  of_own_memory(int fd, size_t size) : mapping_(fd, size) {}

  ssize_t once(void* to, size_t offset, size_t n) const {
    const iovec local{to, n}, remote{mapping_.base() + offset, n};
    return process_vm_readv(self_, &local, 1, &remote, 1, 0);
  }

 private:
  mapping mapping_;
  pid_t self_ = getpid();
};

// One descriptor for the process: it is of the memory of who opened it, so a child of fork opens its own.
int own_memory() {
  static const int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  return fd;
}

class of_mem_file : public by_calls<of_mem_file> {
 public:
  of_mem_file(int fd, size_t size) : mapping_(fd, size) { require(fd_ >= 0); }

  ssize_t once(void* to, size_t offset, size_t n) const {
    return pread(fd_, to, n, static_cast<off_t>(reinterpret_cast<uintptr_t>(mapping_.base() + offset)));
  }

 private:
  mapping mapping_;
  int fd_ = own_memory();
};

// The file's size is what it was: nobody cuts it off any more, whatever is made of the file.
class of_copy : public reader {
 public:
  of_copy(int fd, size_t size) : size_(size) {
    void* const copy = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(copy != MAP_FAILED);
    base_ = static_cast<unsigned char*>(copy);
    read_all(base_, 0, size, [fd](void* to, size_t offset, size_t n) {
      return pread(fd, to, n, static_cast<off_t>(offset));
    });
  }
  ~of_copy() override { munmap(base_, size_); }

  size_t read(unsigned char* to, size_t offset, size_t n) override {
    memcpy(to, base_ + offset, n);
    return n;
  }
  void touch(const uint32_t* pages, size_t count) override { peek_pages(base_, pages, count); }

 private:
  size_t size_;
  unsigned char* base_;
};

}  // namespace

const technique pread_file{"pread",
                           "nosigbus safe_read",
                           "`pread` of the descriptor; there is no mapping",
                           "nothing: it is copied",
                           make<of_file>,
                           nullptr};
const technique process_vm_readv_self{"process_vm_readv",
                                      "nosigbus safe_read",
                                      "`process_vm_readv` of the own process, from a plain mapping",
                                      "nothing: it is copied",
                                      make<of_own_memory>,
                                      nullptr};
const technique proc_self_mem{"/proc/self/mem",
                              "nosigbus safe_read",
                              "`pread` of `/proc/self/mem`, opened once, at the address of a plain mapping",
                              "nothing: it is copied",
                              make<of_mem_file>,
                              nullptr};
const technique private_copy{"private copy",
                             "nosigbus region",
                             "anonymous memory into which `pread` copies the file once, when it is attached",
                             "any code",
                             make<of_copy>,
                             nullptr};

}  // namespace peers
