// SPDX-License-Identifier: MIT
//
// nosigbus-ring: a consumer of a ring in shared memory, and producers of six manners. It lives, and says what
// it met.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <nosigbus/nosigbus.hpp>

#include <cstdio>
#include <cstdlib>

#include "consumer.h"
#include "producer.h"

namespace {

struct met {
  std::uint32_t records = 0;
  bool right = true;
  outcome end = outcome::record;
};

met consume(int fd) {
  void* const at = mmap(nullptr, sizeof(ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) exit(1);
  met all;
  consumer here(static_cast<ring*>(at));
  std::vector<unsigned char> record;
  while ((all.end = here.next(record)) == outcome::record) {
    all.right = all.right && record == record_of(all.records);
    ++all.records;
  }
  munmap(at, sizeof(ring));
  return all;
}

// Whether the consumer met what it had to meet.
bool play(const char* name, manner how, outcome expected, std::uint32_t records) {
  const int fd = memfd_create("ring", MFD_CLOEXEC);
  if (fd < 0 || ftruncate(fd, sizeof(ring)) != 0) exit(1);
  const pid_t other = fork();
  if (other == 0) produce(fd, how);
  const met all = consume(fd);
  waitpid(other, nullptr, 0);
  close(fd);
  printf("%-14s %6u records, %s, then: %s\n", name, all.records, all.right ? "all right" : "not all right",
         name_of(all.end));
  return all.end == expected && all.right && all.records <= records &&
         (how != manner::honest || all.records == records);
}

}  // namespace

int main() {
  if (nosigbus::install() != 0) return 1;
  bool good = play("honest", manner::honest, outcome::closed, honest_records);
  // The others may strike before all that they wrote has been read.
  good = play("cuts it off", manner::cuts_it_off, outcome::missing, 100) && good;
  good = play("cuts records", manner::cuts_records, outcome::missing, 100) && good;
  good = play("lies of head", manner::lies_of_head, outcome::invalid, 100) && good;
  good = play("lies of size", manner::lies_of_size, outcome::invalid, 100) && good;
  // Zeros come between the records: what it meets is up to chance, and it lives.
  play("oscillates", manner::oscillates, outcome::missing, 100);
  return good ? 0 : 1;
}
