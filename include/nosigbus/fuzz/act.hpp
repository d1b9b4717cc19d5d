/* SPDX-License-Identifier: MIT
 *
 * Included by <nosigbus/fuzz.hpp>: what the other side of a hostile_buffer does, and how a fuzzer's input
 * says so.
 *
 * An input is content, then acts, then their number:
 *
 *   content | act | act | … | number of acts, in the low 4 bits of the last byte
 *
 * so a file and a zero byte behind it is that content, undisturbed. What does not fit in front of the number
 * is no act. An act has 12 bytes, integers are little-endian:
 *
 *    0     bits 0-3: kind (8 to 15 are none, and left out); 4: after; 5: at_touch; 6-7: width is 1, 2, 4, 8
 *    1     b: touch is 1 + (b & 31), times 1, 1, 1, 1, 2, 4, 8 or 32 by b >> 5: most are early, which is
 * cheap 2-3   page 4-7   offset 8-11  value
 *
 * This stays as it is, that corpora keep their meaning.
 */
#ifndef NOSIGBUS_FUZZ_ACT_HPP
#define NOSIGBUS_FUZZ_ACT_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nosigbus {

/* What the other side does. */
enum class act_kind : std::uint8_t {
  truncate, /* cuts the file off: at offset, or where the touched page begins */
  grow,     /* gives it its size again; what was cut off reads as zeros */
  restore,  /* gives it its size and its content again */
  punch,    /* takes pages out of it, which read as zeros: 1 + value % 16 of them */
  write,    /* value, to `width` bytes: at offset, or where the touch was */
  add,      /* the same, with value added to what is there */
  io_error, /* the page cannot be read: SIGBUS with BUS_ADRERR, and the file has its size */
  poison    /* the page's memory is lost: SIGBUS with BUS_MCEERR_AR */
};

/* One act of the other side. When: at the touch-th touch of the page. A touch is an instruction's access to
 * it. */
struct hostile_act {
  /* What. */
  act_kind kind = act_kind::truncate;
  /* The instruction comes first: what it reads is still as it was, and the next one's is not. */
  bool after = false;
  /* Where the touch is, instead of at `offset`. */
  bool at_touch = false;
  /* Bytes that write and add change: 1, 2, 4 or 8. */
  std::uint8_t width = 4;
  /* From 1 on. */
  std::uint32_t touch = 1;
  /* Of the content, modulo their number. */
  std::uint16_t page = 0;
  /* Bytes, modulo the content's size. */
  std::uint32_t offset = 0;
  /* What write and add go by, and how many pages punch takes out. */
  std::uint32_t value = 0;

  /* Member by member. */
  bool operator==(const hostile_act&) const = default;
};

/* A fuzzer's input, taken apart. */
class hostile_input {
 public:
  /* Acts in an input at most; bytes of one. */
  static constexpr std::size_t most_acts = 15;
  static constexpr std::size_t act_size = 12;

  /* content() is a part of data. Any input is valid. */
  hostile_input(const std::uint8_t* data, std::size_t size) noexcept {
    if (size == 0) return;
    std::size_t wanted = data[size - 1] & 15u;
    const std::size_t fit = (size - 1) / act_size;
    if (wanted > fit) wanted = fit;
    const std::size_t begin = size - 1 - wanted * act_size;
    content_ = {reinterpret_cast<const std::byte*>(data), begin};
    for (std::size_t i = 0; i < wanted; ++i) {
      const std::uint8_t* const bytes = data + begin + i * act_size;
      if ((bytes[0] & 15u) <= static_cast<unsigned>(act_kind::poison)) acts_[count_++] = decode(bytes);
    }
  }

  /* The two parts of the input. */
  std::span<const std::byte> content() const noexcept { return content_; }
  std::span<const hostile_act> acts() const noexcept { return {acts_.data(), count_}; }

  /* An input with this content and the first 15 of the acts: for seeds. A touch that has no code becomes the
   * next higher one that has, 1024 at most. */
  static std::vector<std::uint8_t> encode(std::span<const std::byte> content,
                                          std::span<const hostile_act> acts) {
    std::vector<std::uint8_t> input;
    input.reserve(content.size() + acts.size() * act_size + 1);
    for (const std::byte byte : content) input.push_back(static_cast<std::uint8_t>(byte));
    if (acts.size() > most_acts) acts = acts.first(most_acts);
    for (const hostile_act& act : acts) append(input, act);
    input.push_back(static_cast<std::uint8_t>(acts.size()));
    return input;
  }

 private:
  static std::uint32_t little_endian(const std::uint8_t* bytes, unsigned count) noexcept {
    std::uint32_t value = 0;
    for (unsigned i = count; i-- > 0;) value = value << 8 | bytes[i];
    return value;
  }
  static std::uint32_t touch_of(unsigned code) noexcept {
    constexpr std::uint8_t factors[] = {1, 1, 1, 1, 2, 4, 8, 32};
    return (1 + (code & 31)) * factors[code >> 5];
  }
  static hostile_act decode(const std::uint8_t* bytes) noexcept {
    hostile_act act;
    act.kind = static_cast<act_kind>(bytes[0] & 15u);
    act.after = (bytes[0] & 16u) != 0;
    act.at_touch = (bytes[0] & 32u) != 0;
    act.width = static_cast<std::uint8_t>(1u << (bytes[0] >> 6));
    act.touch = touch_of(bytes[1]);
    act.page = static_cast<std::uint16_t>(little_endian(bytes + 2, 2));
    act.offset = little_endian(bytes + 4, 4);
    act.value = little_endian(bytes + 8, 4);
    return act;
  }
  static void append(std::vector<std::uint8_t>& input, const hostile_act& act) {
    unsigned width = 0, code = 255;
    while (width < 3 && (1u << width) < act.width) ++width;
    for (unsigned other = 255; other-- > 0;) {
      if (touch_of(other) >= act.touch && touch_of(other) <= touch_of(code)) code = other;
    }
    const unsigned first =
        static_cast<unsigned>(act.kind) | (act.after ? 16u : 0u) | (act.at_touch ? 32u : 0u) | width << 6;
    for (const unsigned byte : {first, code, act.page & 255u, static_cast<unsigned>(act.page) >> 8}) {
      input.push_back(static_cast<std::uint8_t>(byte));
    }
    for (const std::uint32_t number : {act.offset, act.value}) {
      for (unsigned i = 0; i < 4; ++i) input.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
    }
  }

  std::span<const std::byte> content_;
  std::array<hostile_act, most_acts> acts_;
  std::size_t count_ = 0;
};

}  // namespace nosigbus

#endif
