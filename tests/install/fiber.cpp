// SPDX-License-Identifier: MIT
//
// A C++ program that uses an installed nosigbus-fiber: exit status 0 when a function stops at a byte that is
// missing, is given one, and goes on.
#include <sys/mman.h>
#include <unistd.h>

#include <nosigbus/runtime.h>
#include <array>
#include <cstdio>
#include <nosigbus/fiber.hpp>

int main() {
  std::FILE* const file = std::tmpfile();
  if (file == nullptr || nosigbus_install(0) != 0) return 2;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* const mapping = mmap(nullptr, page, PROT_READ, MAP_SHARED, fileno(file), 0);
  if (mapping == MAP_FAILED) return 3;

  int seen = 0;
  nosigbus::fiber reader([&] { seen = *static_cast<const volatile char*>(mapping); });
  if (!reader.resume().faulted() || seen != 0) return 4;
  constexpr std::array bytes{std::byte{'x'}};
  if (!reader.fill(bytes).finished()) return 5;
  return seen == 'x' ? 0 : 1;
}
