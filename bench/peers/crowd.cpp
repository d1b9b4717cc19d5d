// SPDX-License-Identifier: MIT
//
// Beside many mappings: what one more costs, and what a fault in one of them.
#include <map>

#include "works.h"

namespace peers {

namespace {

constexpr size_t frame = 8 * mib;  // a window of 1080p

// Mappings of a page each. No two are neighbours in the file, or the kernel would make them one.
class mappings {
 public:
  explicit mappings(size_t count) : count_(count), file_(2 * count * page) {
    base_ = static_cast<unsigned char*>(
        mmap(nullptr, count * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    require(base_ != MAP_FAILED);
    for (size_t i = 0; i < count; ++i) {
      require(mmap(at(i), page, PROT_READ, MAP_SHARED | MAP_FIXED, file_.fd(),
                   static_cast<off_t>(2 * i * page)) != MAP_FAILED);
    }
  }
  ~mappings() { munmap(base_, count_ * page); }
  mappings(const mappings&) = delete;
  mappings& operator=(const mappings&) = delete;

  unsigned char* at(size_t number) const { return base_ + number * page; }

 private:
  size_t count_;
  bench::file file_;
  unsigned char* base_;
};

// All of them, known to every technique that keeps a record; and one in their middle that is cut off. Not
// more than the kernel allows: libwayland has a mapping of its own for each.
class crowd {
 public:
  explicit crowd(size_t count) {
    if (2 * count + spare > mappings_allowed()) return;
    mappings_ = std::make_unique<mappings>(count);
    for (const technique& t : all()) {
      enroll(t, 0, (count + 1) / 2);
      victims_[t.name] = t.attach(file_.fd(), file_.size());
      enroll(t, (count + 1) / 2, count);
    }
  }
  ~crowd() {
    victims_.clear();
    for (const technique& t : all()) {
      if (t.dismiss != nullptr) t.dismiss();
    }
  }
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;

  bool complete() const { return mappings_ != nullptr; }
  const bench::file& file() const { return file_; }
  reader& victim(const technique& t) const { return *victims_.at(t.name); }

 private:
  static constexpr size_t spare = 10000;
  void enroll(const technique& t, size_t begin, size_t end) const {
    if (t.enroll == nullptr) return;
    for (size_t i = begin; i < end; ++i) t.enroll(mappings_->at(i), page);
  }

  std::unique_ptr<mappings> mappings_;
  bench::file file_{64 * kib};
  std::map<std::string, std::unique_ptr<reader>> victims_;
};

std::unique_ptr<crowd> g_crowd;

bench::stage beside(size_t count) {
  return {[count] { g_crowd = std::make_unique<crowd>(count); }, [] { g_crowd.reset(); }};
}

bool complete(benchmark::State& state) {
  if (g_crowd->complete()) return true;
  bench::not_available(state,
                       "takes more mappings than vm.max_map_count, " + std::to_string(mappings_allowed()));
  return false;
}

void add_beside(const std::string& count, const bench::stage& on) {
  const auto attach = [](benchmark::State& state, const technique& t) {
    if (!complete(state)) return;
    static const bench::file file(frame);
    for (auto _ : state) t.attach(file.fd(), frame);
  };
  const auto fault = [](benchmark::State& state, const technique& t) {
    static const bench::page_order first{0};
    if (complete(state)) measure_cut_off(state, g_crowd->file(), t, g_crowd->victim(t), first);
  };
  add({"attach and detach 8 MiB beside " + count, bench::clock::around, 50, 0, &on}, attach);
  add({"one fault beside " + count, bench::clock::inside, 5, 31, &on}, fault);
}

const bool g_added = [] {
  static const bench::stage one = beside(1), some = beside(1000), many = beside(100000),
                            most = beside(1000000);
  add_beside("1 mapping", one);
  add_beside("1000 mappings", some);
  add_beside("100000 mappings", many);
  add_beside("1000000 mappings", most);
  return true;
}();

}  // namespace

}  // namespace peers
