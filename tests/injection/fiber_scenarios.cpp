// SPDX-License-Identifier: MIT
//
// Fibers: made, stopped by a fault, gone on with.
#include <sys/mman.h>
#include <nosigbus/fiber.hpp>

#include <cerrno>
#include <memory>
#include <system_error>

#include "scenario.h"
#include "support/child.h"
#include "support/fiber_memory.h"

namespace test {

namespace {

int how_it_stands(const nosigbus::fiber_stop& stop) {
  return stop.error() != 0 ? stop.error() : static_cast<int>(stop.faulted());
}

void make_and_drop(stage& on) {
  std::unique_ptr<nosigbus::fiber> made;
  on.observe(answers{0, {-ENOMEM}, true}, [&made] {
    try {
      made = std::make_unique<nosigbus::fiber>([] {});
    } catch (const std::system_error& error) {
      return -error.code().value();
    }
    made.reset();
    return 0;
  });
}

void stop_and_fill(stage& on) {
  memory cut_off;
  unsigned char seen = 1;
  {
    nosigbus::fiber reader([&] { seen = cut_off.at(page_size()); });
    // Where it could not begin, nothing has happened, and it begins now.
    if (on.observe(answers{1, {-EPERM}}, [&] { return how_it_stands(reader.resume()); }) != 1) {
      CHILD_CHECK(how_it_stands(reader.resume()) == 1);
    }
    CHILD_CHECK(reader.fill().finished());
  }
  CHILD_CHECK(seen == 0);
  munmap(const_cast<unsigned char*>(cut_off.begin), cut_off.size());
}

}  // namespace

std::vector<scenario> fiber_scenarios() {
  return {{"fiber: made and dropped", {"`nosigbus::fiber`, made and dropped"}, make_and_drop},
          {"fiber: resumed, and stopped by a fault",
           {"`nosigbus::fiber::resume`, and a fault that stops the fiber"},
           stop_and_fill}};
}

}  // namespace test
