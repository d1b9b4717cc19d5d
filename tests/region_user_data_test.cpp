// SPDX-License-Identifier: MIT
//
// The pointer that a program leaves with a region, for whoever meets the region in an event.
#include <doctest/doctest.h>
#include <nosigbus/region.h>

#include <cerrno>

#include "support/shared_file.h"

using namespace test;

namespace {

constexpr char our_tag = 0, their_tag = 0;
int ours, theirs;

nosigbus_region* map_one() {
  const shared_file file(page_size());
  nosigbus_region* region = nullptr;
  REQUIRE(nosigbus_map(&region, file.fd(), 0, page_size(), PROT_READ, 0) == 0);
  return region;
}

}  // namespace

TEST_CASE("a region has the pointer that was set last and gives it to who knows its tag") {
  nosigbus_region* const region = map_one();
  CHECK(nosigbus_region_user_data(region, &our_tag) == nullptr);
  CHECK(nosigbus_region_user_data(region, nullptr) == nullptr);
  CHECK(nosigbus_region_set_user_data(region, &our_tag, &ours) == 0);
  CHECK(nosigbus_region_user_data(region, &our_tag) == &ours);
  CHECK(nosigbus_region_user_data(region, &their_tag) == nullptr);
  CHECK(nosigbus_region_set_user_data(region, &their_tag, &theirs) == 0);
  CHECK(nosigbus_region_user_data(region, &our_tag) == nullptr);
  CHECK(nosigbus_region_user_data(region, &their_tag) == &theirs);
  CHECK(nosigbus_region_release(region) == 0);
}

TEST_CASE("a region that moves keeps it") {
  nosigbus_region* const region = map_one();
  nosigbus_region_set_user_data(region, &our_tag, &ours);
  REQUIRE(nosigbus_region_resize(region, 1024 * page_size()) == 0);
  CHECK(nosigbus_region_user_data(region, &our_tag) == &ours);
  CHECK(nosigbus_region_release(region) == 0);
}

TEST_CASE("a region that was released has none and neither has the one that comes to its place") {
  nosigbus_region* const region = map_one();
  nosigbus_region_set_user_data(region, &our_tag, &ours);
  REQUIRE(nosigbus_region_release(region) == 0);
  CHECK(nosigbus_region_user_data(region, &our_tag) == nullptr);
  nosigbus_region* const next = map_one();
  CHECK(nosigbus_region_user_data(next, &our_tag) == nullptr);
  CHECK(nosigbus_region_release(next) == 0);
}

TEST_CASE("no region has none") {
  CHECK(nosigbus_region_set_user_data(nullptr, &our_tag, &ours) == -EINVAL);
  CHECK(nosigbus_region_user_data(nullptr, &our_tag) == nullptr);
}
