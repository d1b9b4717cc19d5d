// SPDX-License-Identifier: MIT
//
// A region beside its model: what is done to one is done to the other, and they are compared.
#pragma once

#include <nosigbus/region.h>

#include <deque>

#include "region/model.h"
#include "support/input.h"

namespace fuzz {

// How it comes to be.
struct region_kind {
  bool adopted, with_descriptor, shared, writable, discards, clips;
  size_t first_page, size;
};

class actor {
 public:
  // Made of the file, which outlives it.
  actor(model::file& of, const region_kind& kind);
  ~actor();
  actor(const actor&) = delete;
  actor& operator=(const actor&) = delete;

  const model::file& of() const { return file_; }
  // Reads [begin, begin + length) of one of its places, by plain loads or by a guarded copy.
  void read(size_t where, size_t begin, size_t length, bool guarded);
  // Writes where that is allowed; a guarded write also elsewhere.
  void write(size_t begin, size_t length, uint8_t value, bool guarded);
  void refresh();
  void prefault(size_t begin, size_t length);
  void resize(size_t size);
  void check_status();
  // The file's size has changed.
  void file_cut_off();
  // All of it.
  void check();

  size_t places() const { return places_.size(); }
  size_t size() const { return places_.back().size(); }
  size_t place_size(size_t where) const { return places_[where].size(); }

 private:
  model::place& newest() { return places_.back(); }
  // Absorbs what touching these bytes absorbs.
  void touch(model::place& in, size_t begin, size_t length);
  bool overlaid(const model::place& in, size_t begin, size_t length) const;
  // How many of the bytes a guarded write writes.
  size_t writable_bytes(model::place& in, size_t begin, size_t length);
  size_t clamp_to_file(const model::place& in, size_t begin, size_t length) const;

  model::file& file_;
  const region_kind kind_;
  nosigbus_region* region_ = nullptr;
  std::deque<model::place> places_;  // newest last
  uint8_t* adopted_ = nullptr;
  uint64_t faults_ = 0;
};

}  // namespace fuzz
