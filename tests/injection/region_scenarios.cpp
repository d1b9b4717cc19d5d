// SPDX-License-Identifier: MIT
//
// Public functions of regions.
#include <nosigbus/copy.h>
#include <nosigbus/events.h>

#include <cerrno>

#include "scenario.h"
#include "scene.h"

namespace test {

namespace {

void add_map(std::vector<scenario>& all, const place& where) {
  all.push_back({"map: " + describe(where), {"`nosigbus_map`"}, [where](stage& on) {
                   shared_file file(where.pages * page_size());
                   nosigbus_region* region = nullptr;
                   const answers permitted{0, {-ENOMEM, -EMFILE}, true};
                   const int error = on.observe(permitted, [&] {
                     return nosigbus_map(&region, file.fd(), 0, file.size(), where.prot, where.flags);
                   });
                   CHILD_CHECK((error == 0) == (region != nullptr));
                   if (error != 0) return;
                   CHILD_CHECK(touch(nosigbus_region_data(region), pattern(0)) == touch_right);
                   CHILD_CHECK(nosigbus_region_release(region) == 0);
                 }});
}

void add_adopt(std::vector<scenario>& all, const place& where) {
  all.push_back({"adopt: " + describe(where), {"`nosigbus_adopt`"}, [where](stage& on) {
                   shared_file file(where.pages * page_size());
                   unsigned char* const address =
                       file.map(file.size(), where.prot, where.is_private() ? MAP_PRIVATE : MAP_SHARED);
                   const int fd = where.from == origin::adopted_with_fd ? file.fd() : -1;
                   nosigbus_region* region = nullptr;
                   const int error = on.observe(answers{0, {-ENOMEM, -EMFILE}, true}, [&] {
                     return nosigbus_adopt(&region, address, file.size(), fd,
                                           where.flags & ~NOSIGBUS_PRIVATE);
                   });
                   CHILD_CHECK((error == 0) == (region != nullptr));
                   CHILD_CHECK(touch(address, pattern(0)) == touch_right);
                   if (error == 0) CHILD_CHECK(nosigbus_region_release(region) == 0);
                   munmap(address, file.size());
                 }});
}

void add_refresh(std::vector<scenario>& all, const place& where) {
  all.push_back({"refresh: " + describe(where), {"`nosigbus_region_refresh`"}, [where](stage& on) {
                   scene what(where);
                   what.cut_off(1);
                   CHILD_CHECK(touch(what.at_page(2), 0) == touch_right);
                   what.grow_back();
                   const int whole = on.observe(answers{1, {0, -ENOMEM, -ENOTSUP}, true},
                                                [&] { return nosigbus_region_refresh(what.region); });
                   const unsigned char seen = *static_cast<volatile unsigned char*>(what.at_page(2));
                   CHILD_CHECK(seen == pattern(2 * page_size()) || (whole != 1 && seen == 0));
                   CHILD_CHECK(what.front_is_right(on));
                   // Nothing is lost: it can be made whole yet.
                   const int again = nosigbus_region_refresh(what.region);
                   CHILD_CHECK(again == 1 || whole == -ENOTSUP);
                   if (again == 1)
                     CHILD_CHECK(touch(what.at_page(2), pattern(2 * page_size())) == touch_right);
                 }});
  all.push_back(
      {"refresh: still short: " + describe(where), {"`nosigbus_region_refresh`"}, [where](stage& on) {
         scene what(where);
         what.cut_off(1);
         CHILD_CHECK(touch(what.at_page(2), 0) == touch_right);
         on.observe(answers{0, {-ENOMEM, -ENOTSUP}, true},
                    [&] { return nosigbus_region_refresh(what.region); });
         CHILD_CHECK(touch(what.at_page(2), 0) == touch_right);
         CHILD_CHECK(what.front_is_right(on));
       }});
}

void add_release(std::vector<scenario>& all, const place& where) {
  for (const bool overlaid : {false, true}) {
    const std::string how = overlaid ? "overlaid " : "";
    all.push_back({"release: " + how + describe(where), {"`nosigbus_region_release`"}, [=](stage& on) {
                     scene what(where);
                     if (overlaid) {
                       what.cut_off(1);
                       CHILD_CHECK(touch(what.at_page(2), 0) == touch_right);
                     }
                     on.observe(answers{0, {}}, [&] { return what.release(); });
                   }});
  }
}

// Longer than what is behind it, so that it moves; and as it is after that, with room.
void add_resize(std::vector<scenario>& all, const place& where) {
  const auto resize = [where](stage& on, bool moved, size_t pages, bool overlaid) {
    scene what(where);
    if (moved) CHILD_CHECK(nosigbus_region_resize(what.region, 6 * page_size()) == 0);
    if (overlaid) {
      what.cut_off(1);
      CHILD_CHECK(touch(what.at_page(2), 0) == touch_right);
    }
    const size_t before = nosigbus_region_size(what.region);
    const int error = on.observe(answers{0, {-ENOMEM, -ENOTSUP}, true},
                                 [&] { return nosigbus_region_resize(what.region, pages * page_size()); });
    CHILD_CHECK(nosigbus_region_size(what.region) == (error == 0 ? pages * page_size() : before));
    CHILD_CHECK(what.front_is_right(on));
    if (error != 0) return;
    // What is behind the file reads as zeros, wherever the region is now.
    const size_t last = pages - 1;
    if (overlaid || last >= 4) CHILD_CHECK(touch(what.at_page(last), 0) == touch_right);
  };
  const std::vector<std::string> rows{"`nosigbus_region_resize`"};
  for (const bool overlaid : {false, true}) {
    const std::string suffix = std::string(overlaid ? ": overlaid " : ": ") + describe(where);
    all.push_back({"resize: longer" + suffix, rows, [=](stage& on) { resize(on, false, 64, overlaid); }});
    all.push_back({"resize: shorter" + suffix, rows, [=](stage& on) { resize(on, false, 2, overlaid); }});
    if (where.from != origin::mapped) continue;
    all.push_back({"resize: room behind" + suffix, rows, [=](stage& on) { resize(on, true, 8, overlaid); }});
  }
}

void add_prefault(std::vector<scenario>& all, const place& where) {
  for (const size_t left : {size_t{4}, size_t{1}}) {
    const std::string how = left == 4 ? "whole " : "cut off ";
    all.push_back({"prefault: " + how + describe(where), {"`nosigbus_region_prefault`"}, [=](stage& on) {
                     scene what(where);
                     what.cut_off(left);
                     on.observe(answers{0, {-EFAULT}},
                                [&] { return nosigbus_region_prefault(what.region, 0, what.length()); });
                     CHILD_CHECK(what.front_is_right(on));
                   }});
  }
}

void add_looks(std::vector<scenario>& all) {
  all.push_back(
      {"status", {"`nosigbus_region_status`"}, [](stage& on) {
         scene what({});
         what.cut_off(1);
         CHILD_CHECK(touch(what.at_page(2), 0) == touch_right);
         struct nosigbus_region_status now {};
         on.observe(answers{0, {}}, [&] { return nosigbus_region_status(what.region, &now, sizeof now); });
         CHILD_CHECK(now.overlaid && now.cause == NOSIGBUS_EOF);
       }});
  for (const unsigned flags : {0u, unsigned{NOSIGBUS_CLIP}}) {
    all.push_back({flags == 0 ? "safe_read: through an overlay" : "safe_read: clipped",
                   {"`nosigbus_safe_read` and all that copy or scan"},
                   [=](stage& on) {
                     scene what({origin::mapped, flags, PROT_READ, 4});
                     what.file.resize(page_size() / 2);
                     CHILD_CHECK(touch(what.at_page(2), 0) == touch_right);
                     unsigned char bytes[2] = {1, 1};
                     on.observe(answers{1, {}}, [&] {
                       return static_cast<int>(nosigbus_safe_read(bytes, what.at_page(2), 1));
                     });
                     CHILD_CHECK(bytes[0] == 0);
                   }});
  }
}

}  // namespace

std::vector<scenario> region_scenarios() {
  std::vector<scenario> all;
  for (const place& where : all_places()) {
    where.from == origin::mapped ? add_map(all, where) : add_adopt(all, where);
    add_refresh(all, where);
    add_release(all, where);
    if (!where.is_private()) add_resize(all, where);
    add_prefault(all, where);
  }
  for (const place& where :
       {place{origin::mapped, NOSIGBUS_CLIP, PROT_READ, 4},
        place{origin::mapped, 0, PROT_READ | PROT_WRITE, 4}, place{origin::mapped, 0, PROT_READ, 9000}}) {
    add_map(all, where);
  }
  add_adopt(all, {origin::adopted_with_fd, NOSIGBUS_CLIP, PROT_READ, 4});
  add_looks(all);
  return all;
}

}  // namespace test
