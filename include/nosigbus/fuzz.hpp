/* SPDX-License-Identifier: MIT
 *
 * nosigbus::hostile_buffer: shared memory whose other side is played by a fuzzer's input. For harnesses of
 * code that reads what somebody else can change while it does so. docs/fuzzing.md is a guide.
 *
 *   extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
 *     nosigbus::hostile_buffer buffer(data, size);
 *     my_parser(buffer.data(), buffer.size());
 *     return 0;
 *   }
 *
 * The input is content and acts (<nosigbus/fuzz/act.hpp>): at the n-th touch of a page the other side cuts
 * the file off, lets it grow back, takes pages out, changes bytes, or has the page fail. It acts between two
 * instructions of the consumer and by no clock, so the same input is the same interleaving, always. "After"
 * the instruction, where it has just read, is between two reads of the same location: what a double fetch
 * gets wrong.
 *
 * Header-only, and without libnosigbus: code in harnesses has to be built with the sanitizers that they have.
 * It takes SIGSEGV, and SIGTRAP where it steps over instructions, in front of the fuzzer's and sanitizer's
 * handlers, when the first buffer with acts is made, and hands on what is not its own. SIGBUS it leaves
 * alone: a page that is gone is what the consumer has to cope with, by nosigbus or by whatever it has; else
 * it dies, and the fuzzer has found something.
 *
 * What it cannot see: a system call that is given a page with acts ahead fails with EFAULT, and is no touch.
 * One instruction counts for each page that it touches; one that repeats (rep movs), for each time. Where
 * single steps are not to be had (other processors than x86_64), a page stays open until another page with
 * acts ahead is touched: a touch is all of what comes in between, and "after" is when it has ended.
 */
#ifndef NOSIGBUS_FUZZ_HPP
#define NOSIGBUS_FUZZ_HPP

#include <nosigbus/fuzz/act.hpp>
#include <nosigbus/fuzz/signals.hpp>

NOSIGBUS_FUZZ_UNSEEN_BEGIN
namespace nosigbus {

/* Not thread-safe: its own members. Several threads may read the memory; whose touch is the n-th is up to
 * them then. No member is async-signal-safe. Up to 8 buffers live at a time; where there is no memory or no
 * descriptor for one, it says so and ends the process. */
class hostile_buffer {
 public:
  /* What the consumer may do. */
  struct options {
    /* The consumer may write to it. */
    bool writable = false;
    /* With AddressSanitizer: what lies in the last page behind size() is not to be touched. Bytes of pages
     * behind are never to be. */
    bool exact_end = true;
  };

  /* From a fuzzer's input, taken apart as hostile_input does: any input is valid. data has to live as long as
   * the buffer. size: bytes. */
  hostile_buffer(const std::uint8_t* data, std::size_t size) : hostile_buffer(hostile_input(data, size)) {}
  explicit hostile_buffer(const hostile_input& input) : hostile_buffer(input.content(), input.acts()) {}
  /* With content that the harness has made: for one that knows what is valid. content has to live as long as
   * the buffer; of acts the first 15 are taken, and copied. */
  hostile_buffer(std::span<const std::byte> content, std::span<const hostile_act> acts)
      : hostile_buffer(content, acts, options{}) {}
  hostile_buffer(std::span<const std::byte> content, std::span<const hostile_act> acts, const options& how)
      : script_(take()) {
    script_.stage.set(content, how.writable, how.exact_end);
    if (!acts.empty()) detail::fuzz_take_signals();
    script_.begin(acts);
  }
  /* The mapping is the next buffer's, with pages as new. */
  ~hostile_buffer() {
    script_.end();
    script_.taken.store(0, std::memory_order_release);
  }
  hostile_buffer(const hostile_buffer&) = delete;
  hostile_buffer& operator=(const hostile_buffer&) = delete;

  /* The shared mapping, from the beginning of a page on. */
  const std::byte* data() const noexcept { return script_.stage.view(); }
  /* Only with options::writable to be written to. */
  std::byte* writable_data() const noexcept { return script_.stage.view(); }
  /* Of the content, in bytes: what the consumer is told, whatever the file's size is by then. */
  std::size_t size() const noexcept { return script_.stage.size(); }
  std::span<const std::byte> bytes() const noexcept { return {data(), size()}; }

  /* The file: for consumers that map it themselves. Stays open; to be duplicated by those who close it. */
  int fd() const noexcept { return script_.stage.file(); }
  /* From now on touches of that mapping count, and not those of data(): all of the file, from the beginning
   * on. protection: what it was mapped with. It may be unmapped before the buffer ends, when the consumer
   * touches it no more. */
  void follow(void* mapping, int protection = PROT_READ) noexcept {
    script_.follow(static_cast<std::byte*>(mapping), protection);
  }

  /* Touches that were noticed: of pages that had acts ahead. */
  std::uint64_t touches() const noexcept { return counted(script_.touches); }
  /* Acts that happened, and acts whose time came but that could not be done. */
  unsigned done() const noexcept { return counted(script_.done); }
  unsigned failed() const noexcept { return counted(script_.failed); }

  /* Whether acts of a kind can be done here. io_error and poison take userfaultfd(2), which containers may
   * forbid; poison also Linux 6.6, and CONFIG_MEMORY_FAILURE, without which the kernel raises SIGBUS with
   * BUS_ADRERR for it. */
  static bool can(act_kind kind) noexcept {
    if (kind != act_kind::io_error && kind != act_kind::poison) return true;
    static const int g_source = detail::fuzz_stage::open_userfaultfd();
    /* MADV_HWPOISON is EINVAL in a kernel without it, whoever asks. */
    return g_source >= 0 && (kind == act_kind::io_error || madvise(nullptr, 0, MADV_HWPOISON) == 0);
  }

 private:
  static detail::fuzz_script& take() {
    for (detail::fuzz_script& script : detail::g_fuzz_scripts) {
      if (script.taken.exchange(1, std::memory_order_acquire) == 0) return script;
    }
    errno = EMFILE;
    detail::fuzz_fail("hostile_buffer: more than 8 of them");
  }

  template <class Count>
  static Count counted(const std::atomic<Count>& counter) noexcept {
    /* Not before the touches that stand in front of it. */
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return counter.load(std::memory_order_relaxed);
  }

  detail::fuzz_script& script_;
};

}  // namespace nosigbus
NOSIGBUS_FUZZ_UNSEEN_END

#endif
