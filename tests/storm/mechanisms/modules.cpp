// SPDX-License-Identifier: MIT
//
// Rows of a DSO that is loaded and unloaded all the time, beside a thread that faults in the program's own.
#include <dlfcn.h>

#include <cerrno>
#include <nosigbus/nosigbus.hpp>

#include "../cut_file.h"

namespace storms {

namespace {

class modules : public task {
 public:
  explicit modules(uint64_t seed) : task(seed) {}

  void round() override {
    file_.recut(random_);
    if (met_ == 0 || below(16) == 0) {
      load();
    } else {
      for (int i = 0; i < 256; ++i) expect_missing(nosigbus_safe_load8(at(), &out_));
    }
  }

 private:
  const unsigned char* at() { return file_.at() + file_.good() + below(file_.size() - file_.good()); }
  void expect_missing(int result) {
    expect(result == -EFAULT && out_ == 0x5a, "a load, while modules come and go");
    ++met_;
  }
  // Two threads may have it at once: it is unloaded when neither has.
  void load() {
    void* const handle = dlopen(NOSIGBUS_STORM_PLUGIN, RTLD_NOW);
    CHILD_CHECK(handle != nullptr);
    const auto load8 =
        reinterpret_cast<int (*)(const unsigned char*, unsigned char*)>(dlsym(handle, "plugin_load"));
    CHILD_CHECK(load8 != nullptr);
    for (int i = 0; i < 16; ++i) expect_missing(load8(at(), &out_));
    CHILD_CHECK(dlclose(handle) == 0);
  }

  cut_file file_;
  unsigned char out_ = 0x5a;
};

// As many as warm up the C library too, in the shortest storm: what it keeps of two loads at the same moment.
const registration g_modules{
    {"dlopen", "inlined loads of a DSO that comes and goes", 60, 2, install, make<modules>, absorbed}};

}  // namespace

}  // namespace storms
