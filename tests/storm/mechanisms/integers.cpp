// SPDX-License-Identifier: MIT
//
// Guarded integers: inlined loads, stores and atomic operations.
#include <cerrno>
#include <nosigbus/nosigbus.hpp>

#include "../cut_file.h"

namespace storms {

namespace {

// Memory for integers, in front of the end and behind it.
class integers : public task {
 public:
  explicit integers(uint64_t seed) : task(seed) {}

  void round() override {
    file_.recut(random_);
    for (int i = 0; i < 128; ++i) {
      meets_ = below(16) != 0;
      offset_ =
          meets_ ? file_.good() + below((file_.size() - file_.good()) / 8) * 8 : below(file_.good() / 8) * 8;
      operate();
      if (meets_) {
        expect(nosigbus_last_fault()->address == reinterpret_cast<uintptr_t>(at()),
               "where an integer is missing");
      }
      met_ += meets_;
    }
    expect_bytes(file_.at(), file_.model(), file_.good(), "what integers left in the file");
  }

 protected:
  virtual void operate() = 0;

  unsigned char* at() const { return file_.at() + offset_; }
  template <class T>
  T model() {
    T value;
    memcpy(&value, file_.model() + offset_, sizeof value);
    return value;
  }
  template <class T>
  void set_model(T value) {
    if (!meets_) memcpy(file_.model() + offset_, &value, sizeof value);
  }
  // Of an operation that has something for its caller.
  template <class T>
  void expect_result(int result, T out, T before, T wanted, const char* what) {
    expect(result == (meets_ ? -EFAULT : 0), what);
    expect(out == (meets_ ? before : wanted), what);
  }
  void expect_done(int result, const char* what) { expect(result == (meets_ ? -EFAULT : 0), what); }

  bool meets_ = false;

 private:
  cut_file file_;
  size_t offset_ = 0;
};

#define LOAD(bits)                                                                                \
  {                                                                                               \
    uint##bits##_t out = 0x5a;                                                                    \
    const int result = nosigbus_safe_load##bits(at(), &out);                                      \
    expect_result<uint##bits##_t>(result, out, 0x5a, model<uint##bits##_t>(), "safe_load" #bits); \
    break;                                                                                        \
  }
#define STORE(bits)                                                          \
  {                                                                          \
    const auto value = static_cast<uint##bits##_t>(random_());               \
    expect_done(nosigbus_safe_store##bits(at(), value), "safe_store" #bits); \
    set_model(value);                                                        \
    break;                                                                   \
  }

class plain : public integers {
 public:
  using integers::integers;

 private:
  // The four loads and the four stores are eight places of code, each with a row of its own.
  void operate() override {
    switch (below(8)) {
      case 0:
        LOAD(8)
      case 1:
        LOAD(16)
      case 2:
        LOAD(32)
      case 3:
        LOAD(64)
      case 4:
        STORE(8)
      case 5:
        STORE(16)
      case 6:
        STORE(32)
      default:
        STORE(64)
    }
  }
};

#define ATOMIC(bits)                                                                                      \
  void operate##bits() {                                                                                  \
    using T = uint##bits##_t;                                                                             \
    const T value = static_cast<T>(random_()), there = model<T>();                                        \
    T out = 0x5a;                                                                                         \
    switch (below(5)) {                                                                                   \
      case 0: {                                                                                           \
        const int result = nosigbus_safe_load_acquire##bits(at(), &out);                                  \
        return expect_result<T>(result, out, 0x5a, there, "load_acquire");                                \
      }                                                                                                   \
      case 1:                                                                                             \
        expect_done(nosigbus_safe_store_release##bits(at(), value), "store_release");                     \
        return set_model(value);                                                                          \
      case 2: {                                                                                           \
        const int result = nosigbus_safe_exchange##bits(at(), value, &out);                               \
        set_model(value);                                                                                 \
        return expect_result<T>(result, out, 0x5a, there, "exchange");                                    \
      }                                                                                                   \
      case 3: {                                                                                           \
        const int result = nosigbus_safe_fetch_add##bits(at(), value, &out);                              \
        set_model(static_cast<T>(there + value));                                                         \
        return expect_result<T>(result, out, 0x5a, there, "fetch_add");                                   \
      }                                                                                                   \
      default: {                                                                                          \
        const T expected = below(2) == 0 ? there : static_cast<T>(there + 1);                             \
        T found = expected;                                                                               \
        const int result = nosigbus_safe_compare_exchange##bits(at(), &found, value);                     \
        expect(result == (meets_ ? -EFAULT : expected == there ? 1 : 0), "compare_exchange");             \
        expect(found == (meets_ || expected == there ? expected : there), "compare_exchange's expected"); \
        if (expected == there) set_model(value);                                                          \
        return;                                                                                           \
      }                                                                                                   \
    }                                                                                                     \
  }

class atomics : public integers {
 public:
  using integers::integers;

 private:
  void operate() override { return below(2) == 0 ? operate32() : operate64(); }
  ATOMIC(32)
  ATOMIC(64)
};

const registration g_all[] = {
    registration{
        {"integers", "safe_load8 to 64, safe_store8 to 64, inlined", 150, 2, install, make<plain>, absorbed}},
    registration{{"atomics", "load_acquire, store_release, exchange, fetch_add, compare_exchange", 100, 2,
                  install, make<atomics>, absorbed}},
};

}  // namespace

}  // namespace storms
