// SPDX-License-Identifier: MIT
//
// Regions that are cut off, read, and healed; written to; and told of.
#include <poll.h>
#include <sys/stat.h>

#include <nosigbus/nosigbus.hpp>

#include "../../support/make_region.h"
#include "../cut_file.h"

namespace storms {

namespace {

// A region over the whole of a file that is cut off.
class with_region : public task {
 public:
  with_region(uint64_t seed, int prot, unsigned flags)
      : task(seed),
        region_(test::make_region(test::origins[seed % std::size(test::origins)], file_.fd(), 0, file_.size(),
                                  prot, flags)) {}

 protected:
  unsigned char* data() const { return static_cast<unsigned char*>(region_.data()); }
  unsigned char* any_missing() { return data() + file_.good() + below(file_.size() - file_.good()); }
  void heal() {
    file_.fill(random_);
    expect(region_.refresh() == 1, "a region is whole again");
    expect_bytes(data(), file_.model(), file_.size(), "what is in a region that was healed");
  }
  void expect_cut_off() {
    expect_bytes(data(), file_.model(), file_.good(), "what is left of a region");
    expect_zeros(data() + file_.good(), file_.size() - file_.good(), "zeros of a region");
    const auto status = region_.status();
    expect(status.overlaid && status.cause == NOSIGBUS_EOF, "why a region has zeros");
    expect(status.faults >= ++met_, "faults of a region");
  }

  cut_file file_;
  nosigbus::region region_;
};

class overlays : public with_region {
 public:
  explicit overlays(uint64_t seed) : with_region(seed, PROT_READ, 0) {}

  void round() override {
    file_.recut(random_);
    const unsigned char* const at = any_missing();
    expect(*const_cast<const volatile unsigned char*>(at) == 0, "a byte that is missing");
    expect_cut_off();
    heal();
  }
};

class discards : public with_region {
 public:
  explicit discards(uint64_t seed) : with_region(seed, PROT_READ | PROT_WRITE, NOSIGBUS_DISCARD_WRITES) {}

  void round() override {
    file_.recut(random_);
    unsigned char* const at = any_missing();
    const size_t length = std::min<size_t>(1 + below(300), static_cast<size_t>(data() + file_.size() - at));
    const unsigned char* const bytes = any_bytes(random_, length);
    // As anybody writes.
    for (size_t i = 0; i < length; ++i) const_cast<volatile unsigned char*>(at)[i] = bytes[i];
    expect_bytes(at, bytes, length, "what was written to zeros");
    memset(at, 0, length);
    expect_cut_off();
    struct stat status {};
    expect(fstat(file_.fd(), &status) == 0 && static_cast<size_t>(status.st_size) <= file_.good(),
           "a write has made the file longer");
    memcpy(at, bytes, length);
    heal();
  }
};

class told : public with_region {
 public:
  explicit told(uint64_t seed) : with_region(seed, PROT_READ, 0) {}

  // One thread dispatches what happens to the regions of both: each finds its own by the end.
  void round() override {
    nosigbus_region_set_user_data(region_.get(), &g_tag, this);
    const size_t before = events_;
    file_.recut(random_);
    expect(*const_cast<const volatile unsigned char*>(any_missing()) == 0, "a byte that is missing");
    pollfd bell{nosigbus_event_fd(), POLLIN, 0};
    while (events_ == before) {
      poll(&bell, 1, 1);
      nosigbus_dispatch(on_event, nullptr);
    }
    expect_cut_off();
    heal();
  }

 private:
  static int on_event(const nosigbus_event* event, void*) {
    auto* const whose = static_cast<told*>(nosigbus_region_user_data(event->region, &g_tag));
    // Of the file alone, which was cut off or has grown.
    if ((event->what & NOSIGBUS_EVENT_FAULT) == 0) return 0;
    expect(whose != nullptr && event->cause == NOSIGBUS_EOF && event->count > whose->events_, "an event");
    if (whose != nullptr) ++whose->events_;
    return 0;
  }

  static inline const char g_tag = 0;
  std::atomic<size_t> events_{0};
};

void install_and_listen() {
  install();
  CHILD_CHECK(nosigbus_event_fd() >= 0);
}

const registration g_all[] = {
    registration{
        {"region", "plain reads, overlaid and healed again", 10, 2, install, make<overlays>, absorbed}},
    registration{{"discard", "plain writes that are discarded", 10, 2, install, make<discards>, absorbed}},
    registration{
        {"events", "plain reads, each told by an event", 10, 2, install_and_listen, make<told>, absorbed}},
};

}  // namespace

}  // namespace storms
