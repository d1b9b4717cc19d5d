/* SPDX-License-Identifier: MIT
 *
 * Included by <nosigbus/fuzz.hpp>: the memory of a hostile_buffer, and what the other side can do to it. Kept
 * for the next buffer, which writes to it and changes no mapping when nothing has happened to this one's.
 */
#ifndef NOSIGBUS_FUZZ_STAGE_HPP
#define NOSIGBUS_FUZZ_STAGE_HPP

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <nosigbus/fuzz/act.hpp>
#include <nosigbus/fuzz/basics.hpp>

NOSIGBUS_FUZZ_UNSEEN_BEGIN
namespace nosigbus::detail {

class fuzz_stage {
 public:
  std::byte* view() const noexcept { return view_; }
  int file() const noexcept { return file_; }
  std::size_t size() const noexcept { return content_.size(); }
  std::size_t pages() const noexcept { return pages_; }

  /* Puts content on it, which stays the caller's and has to live as long. */
  void set(std::span<const std::byte> content, bool writable, bool exact_end) {
    if (process_ != getpid()) renew();
    const std::size_t page = fuzz_page_size(), pages = (content.size() + page - 1) / page;
    const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    content_ = content;
    resize_file(writable);
    if (view_ == nullptr || pages > capacity_) reserve(pages);
    if (altered_ || pages != pages_ || protection != protection_) lay_out(pages, protection);
    mark_end(exact_end ? content.size() : pages * page);
    if (!write_all()) fuzz_fail("hostile_buffer: content");
  }
  /* Something has come to lie in the view that is not the plain file, or will. */
  void set_altered() noexcept { altered_ = true; }

  /* All of these are called inside signals' handlers: system calls, and nothing else. The results: done or
   * not. */
  bool protect(std::byte* address, bool closed, int protection) const noexcept {
    if (closed) return mprotect(address, fuzz_page_size(), PROT_NONE) == 0;
    /* Overlays are not always to be written to. */
    return mprotect(address, fuzz_page_size(), protection) == 0 ||
           mprotect(address, fuzz_page_size(), PROT_READ) == 0;
  }
  int protection() const noexcept { return protection_; }
  bool truncate(std::size_t size) noexcept {
    if (size < file_size_) return resize(size);
    return true;
  }
  bool grow() noexcept { return resize(content_.size()); }
  bool restore() noexcept { return grow() && write_all(); }
  bool punch(std::size_t offset, std::size_t pages) noexcept {
    const std::size_t page = fuzz_page_size(), begin = offset / page * page;
    return fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(begin),
                     static_cast<off_t>(pages * page)) == 0;
  }
  /* sum: adds to what is there. Nothing is written behind the file's end. */
  bool write(std::size_t offset, std::uint64_t value, std::size_t width, bool sum) noexcept {
    if (offset >= file_size_) return false;
    if (width > file_size_ - offset) width = file_size_ - offset;
    std::uint64_t there = 0;
    if (sum && pread(file_, &there, width, static_cast<off_t>(offset)) < 0) return false;
    there += value;
    return pwrite(file_, &there, width, static_cast<off_t>(offset)) == static_cast<ssize_t>(width);
  }
  /* The next access to this page of a mapping of the file is refused with SIGBUS. A missing page is what a
   * userfaultfd decides about, and one with UFFD_FEATURE_SIGBUS always decides so (userfaultfd(2)). */
  bool fail_io(std::byte* address, std::size_t offset) noexcept {
    return offset < file_size_ && punch(offset, 1) && claim(address);
  }
  /* Since Linux 6.6 (UFFDIO_POISON(2const)). Of a page that is not there, so it is dropped first. */
  bool poison(std::byte* address, std::size_t offset) noexcept {
    struct {
      uffdio_range range;
      std::uint64_t mode;
      std::int64_t updated;
    } request{{reinterpret_cast<std::uintptr_t>(address), fuzz_page_size()}, 0, 0};
    constexpr unsigned long uffdio_poison = _IOWR(UFFDIO, 0x08, decltype(request));
    return offset < file_size_ && claim(address) && madvise(address, fuzz_page_size(), MADV_DONTNEED) == 0 &&
           ioctl(source_, uffdio_poison, &request) == 0;
  }
  /* Where there is none, neither of the two can be done. */
  static int open_userfaultfd() noexcept {
    const int source = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
    uffdio_api api{UFFD_API, UFFD_FEATURE_SIGBUS, 0};
    if (source < 0 || ioctl(source, UFFDIO_API, &api) == 0) return source;
    close(source);
    return -1;
  }

 private:
  /* At first, and in a child, which would share its parent's file. */
  void renew() {
    if (process_ != 0) {
      munmap(view_, (capacity_ + 1) * fuzz_page_size());
      close(file_);
      if (source_ >= 0) close(source_);
    }
    *this = fuzz_stage();
    file_ = memfd_create("hostile_buffer", MFD_CLOEXEC);
    if (file_ < 0) fuzz_fail("hostile_buffer: memfd_create");
    process_ = getpid();
  }
  /* Addresses for so many pages, and for one behind them that nobody can access. */
  void reserve(std::size_t pages) {
    mark_end(pages_ * fuzz_page_size());
    if (view_ != nullptr) munmap(view_, (capacity_ + 1) * fuzz_page_size());
    for (capacity_ = 16; capacity_ < pages;) capacity_ *= 2;
    void* const address = mmap(nullptr, (capacity_ + 1) * fuzz_page_size(), PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED) fuzz_fail("hostile_buffer: mmap");
    view_ = static_cast<std::byte*>(address);
    pages_ = 0;
    end_ = 0;
  }
  void lay_out(std::size_t pages, int protection) {
    const std::size_t page = fuzz_page_size();
    mark_end(pages_ * page);
    if (pages != 0 && mmap(view_, pages * page, protection, MAP_SHARED | MAP_FIXED, file_, 0) == MAP_FAILED) {
      fuzz_fail("hostile_buffer: mmap");
    }
    if (pages < pages_ &&
        mmap(view_ + pages * page, (pages_ - pages) * page, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED) {
      fuzz_fail("hostile_buffer: mmap");
    }
    pages_ = pages;
    protection_ = protection;
    altered_ = false;
    end_ = pages * page;
  }
  /* AddressSanitizer tells an access behind the end, also within the last page. */
  void mark_end(std::size_t end) noexcept {
    if (end > end_) fuzz_allow(view_ + end_, end - end_);
    if (end < end_) fuzz_forbid(view_ + end, pages_ * fuzz_page_size() - end);
    end_ = end;
  }
  void resize_file(bool writable) {
    /* What a consumer wrote behind the end of the file, in its last page, would be there still. */
    if (writable) static_cast<void>(resize(0));
    if (file_size_ != content_.size() && !resize(content_.size())) fuzz_fail("hostile_buffer: ftruncate");
  }
  bool resize(std::size_t size) noexcept {
    if (ftruncate(file_, static_cast<off_t>(size)) != 0) return false;
    file_size_ = size;
    return true;
  }
  bool write_all() const noexcept {
    for (std::size_t done = 0; done < content_.size();) {
      const ssize_t more =
          pwrite(file_, content_.data() + done, content_.size() - done, static_cast<off_t>(done));
      if (more <= 0) return false;
      done += static_cast<std::size_t>(more);
    }
    return true;
  }
  bool claim(std::byte* address) noexcept {
    if (source_ < 0) source_ = open_userfaultfd();
    uffdio_register request{
        {reinterpret_cast<std::uintptr_t>(address), fuzz_page_size()}, UFFDIO_REGISTER_MODE_MISSING, 0};
    return source_ >= 0 && ioctl(source_, UFFDIO_REGISTER, &request) == 0;
  }

  pid_t process_ = 0;
  int file_ = -1, source_ = -1, protection_ = PROT_READ;
  std::span<const std::byte> content_;
  std::size_t file_size_ = 0;
  std::byte* view_ = nullptr;
  /* Pages that fit, and pages that there are. Bytes that AddressSanitizer lets through. */
  std::size_t capacity_ = 0, pages_ = 0, end_ = 0;
  bool altered_ = false;
};

}  // namespace nosigbus::detail
NOSIGBUS_FUZZ_UNSEEN_END

#endif
