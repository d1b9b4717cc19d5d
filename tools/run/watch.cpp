// SPDX-License-Identifier: MIT
#include "watch.h"

#include <ctime>

namespace nosigbus::run {

namespace {

uint64_t now() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

void watch::look(const std::function<void(const mapping&)>& found,
                 const std::function<void(const event&, const mapping&)>& happened) {
  if (is_empty(journal_)) return;
  for (size_t i = 0; i < preload::journal::capacity; ++i) {
    const auto current = read_mapping(journal_, i);
    if (!current) continue;
    const auto [place, added] = seen_.try_emplace(i);
    seen& before = place->second;
    if (added) found(*current);
    const uint64_t healed = current->healed - before.healed;
    // It healed, or was taken away, as often as it had been damaged, but for what it is now.
    const uint64_t gone = current->gone - before.gone;
    const uint64_t damaged = healed + gone + (current->damaged ? 1 : 0) - (before.damaged ? 1 : 0);
    const uint64_t passed = current->passed - before.passed;
    before = {current->healed, current->passed, current->gone, current->damaged};
    const uint64_t time = now();
    if (static_cast<int64_t>(damaged) > 0) happened({event_kind::damaged, damaged, time}, *current);
    if (healed != 0) happened({event_kind::healed, healed, time}, *current);
    if (passed != 0) happened({event_kind::passed, passed, time}, *current);
  }
}

}  // namespace nosigbus::run
