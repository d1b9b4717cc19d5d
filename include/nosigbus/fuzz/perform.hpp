/* SPDX-License-Identifier: MIT
 *
 * Included by <nosigbus/fuzz.hpp>: an act, on a stage.
 */
#ifndef NOSIGBUS_FUZZ_PERFORM_HPP
#define NOSIGBUS_FUZZ_PERFORM_HPP

#include <nosigbus/fuzz/stage.hpp>

namespace nosigbus::detail {

/* Paths that a fuzzer is to find: acts that have happened. base: of the mapping that was touched, touched_at
 * bytes behind it. */
inline bool fuzz_perform(const hostile_act& act, fuzz_stage& stage, std::byte* base,
                         std::size_t touched_at) noexcept {
  const std::size_t length = fuzz_page_size();
  const std::size_t offset = act.at_touch ? touched_at : act.offset % stage.size();
  const std::size_t begin = offset / length * length;
  switch (act.kind) {
    case act_kind::truncate:
      return stage.truncate(act.at_touch ? begin : offset);
    case act_kind::grow:
      return stage.grow();
    case act_kind::restore:
      return stage.restore();
    case act_kind::punch:
      return stage.punch(offset, 1 + act.value % 16);
    case act_kind::write:
    case act_kind::add:
      return stage.write(offset, act.value, act.width, act.kind == act_kind::add);
    case act_kind::io_error:
      return stage.fail_io(base + begin, begin);
    case act_kind::poison:
      return stage.poison(base + begin, begin);
  }
  return false;
}

}  // namespace nosigbus::detail

#endif
