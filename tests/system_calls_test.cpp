// SPDX-License-Identifier: MIT
//
// The kernel reads from a region whose file another process truncates and grows all the time, as
// docs/system-calls.md says it is to be done.
#include <nosigbus/region.h>
#include <sys/socket.h>

#include <cerrno>
#include <thread>
#include <vector>

#include "support/hostile.h"
#include "support/region_fixture.h"
#ifdef NOSIGBUS_TEST_URING
#include <liburing.h>
#endif

using namespace test;

namespace {

const size_t page = page_size();
constexpr size_t pages = 16, kept_pages = 2;

// Sends n bytes: how many, or -errno.
using send_function = ssize_t (*)(int to, const char* data, size_t n);

// As in docs/system-calls.md. Returns how often the kernel met a missing page, or -1.
int send_all(send_function send, int to, nosigbus_region* region, size_t offset, size_t length) {
  const char* const data = static_cast<const char*>(nosigbus_region_data(region));
  int missed = 0;
  while (length > 0) {
    if (nosigbus_region_prefault(region, offset, length) != 0) return -1;
    const ssize_t written = send(to, data + offset, length);
    if (written == -EFAULT) ++missed;
    if (written < 0 && written != -EINTR && written != -EFAULT) return -1;
    if (written < 0) continue;
    offset += static_cast<size_t>(written);
    length -= static_cast<size_t>(written);
  }
  return missed;
}

ssize_t by_write(int to, const char* data, size_t n) {
  const ssize_t written = write(to, data, n);
  return written < 0 ? -errno : written;
}

ssize_t by_sendmsg(int to, const char* data, size_t n) {
  iovec part{const_cast<char*>(data), n};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const ssize_t sent = sendmsg(to, &message, 0);
  return sent < 0 ? -errno : sent;
}

#ifdef NOSIGBUS_TEST_URING
ssize_t by_io_uring(int to, const char* data, size_t n) {
  static io_uring ring;
  static const int error = io_uring_queue_init(4, &ring, 0);
  if (error != 0) return by_write(to, data, n);  // kernels may be told to have none
  io_uring_prep_write(io_uring_get_sqe(&ring), to, data, static_cast<unsigned>(n), 0);
  io_uring_submit(&ring);
  io_uring_cqe* completion;
  CHILD_CHECK(io_uring_wait_cqe(&ring, &completion) == 0);
  const ssize_t result = completion->res;
  io_uring_cqe_seen(&ring, completion);
  return result;
}
constexpr send_function functions[] = {by_write, by_sendmsg, by_io_uring};
#else
constexpr send_function functions[] = {by_write, by_sendmsg};
#endif

void receive(int from, size_t rounds) {
  std::vector<unsigned char> bytes(pages * page);
  for (size_t round = 0; round < rounds; ++round) {
    CHILD_CHECK(recv(from, bytes.data(), bytes.size(), MSG_WAITALL) == static_cast<ssize_t>(bytes.size()));
    for (size_t i = 0; i < bytes.size(); ++i) {
      CHILD_CHECK(bytes[i] == pattern(i) || (i >= kept_pages * page && bytes[i] == 0));
    }
  }
}

}  // namespace

TEST_CASE("a region is sent while its file changes: what is left of it, and zeros") {
  for (const send_function send : functions) {
    CHECK(in_child(
              [send] {
                enter_by(entry::installed);
                shared_file file(pages * page);
                nosigbus::region region = make_region(origin::mapped, file, pages * page);
                const hostile_process hostile(file, kept_pages * page, 4);
                int ends[2];
                CHILD_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
                constexpr size_t rounds = 3000;
                std::thread receiver(receive, ends[0], rounds);
                int missed = 0;
                for (size_t round = 0; round < rounds; ++round) {
                  const int misses = send_all(send, ends[1], region.get(), 0, pages * page);
                  CHILD_CHECK(misses >= 0);
                  missed += misses;
                  region.refresh();
                }
                receiver.join();
                hostile.stop();
                printf("%d times a page was missing behind prefault\n", missed);
                fflush(stdout);
                return 0;
              },
              100) == exited(0));
  }
}
