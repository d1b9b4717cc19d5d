// SPDX-License-Identifier: MIT
//
// What is not the kit's: faults of the consumer's own reach who was there before, and kill where they would
// have killed. Handlers that come later, jumps out of a step, threads, and instructions that touch two pages.
#include <doctest/doctest.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>

#include "consumer.h"
#include "support/no_qemu.h"
#include "support/no_tsan.h"

using namespace test;
using nosigbus::act_kind;
using nosigbus::hostile_act;
using nosigbus::hostile_buffer;

namespace {

const size_t page = page_size();

// Adds one to what is read first, behind the read.
constexpr hostile_act change_after_first = {act_kind::add, true, true, 1, 1, 0, 0, 1};
// A page that is still closed when something else happens.
constexpr hostile_act much_later = {act_kind::punch, false, false, 4, 4000, 0, 0, 0};

// Where there are no steps, the touch of the only page does not end.
bool meets_double_fetch() {
  const auto bytes = content(10);
  const hostile_buffer buffer(bytes, {&change_after_first, 1});
  const int difference = read_byte(buffer.data(), 3) - read_byte(buffer.data(), 3);
  const bool met = buffer.touches() == 1 && buffer.done() == 1 && difference != 0;
  return nosigbus::detail::can_single_step ? met : buffer.touches() == 1 && difference == 0;
}

volatile uintptr_t g_nowhere = 16;
void read_nowhere() { (void)*reinterpret_cast<const volatile char*>(g_nowhere); }

struct own_fault {
  const char* name;
  int signo;
  void (*make)(const hostile_buffer&);
};
const own_fault own_faults[] = {
    {"null", SIGSEGV, [](const hostile_buffer&) { read_nowhere(); }},
    {"behind the end", SIGSEGV, [](const hostile_buffer& buffer) { read_byte(buffer.data(), 2 * page); }},
    {"a write to what is read-only", SIGSEGV,
     [](const hostile_buffer& buffer) { *const_cast<volatile std::byte*>(buffer.data()) = std::byte{1}; }},
    {"the same where nothing is ahead", SIGSEGV,
     [](const hostile_buffer& buffer) {
       *const_cast<volatile std::byte*>(buffer.data() + page) = std::byte{1};
     }},
    {"a trap that was sent", SIGTRAP, [](const hostile_buffer&) { raise(SIGTRAP); }},
    {"a fault that was sent", SIGSEGV, [](const hostile_buffer&) { raise(SIGSEGV); }},
};

void catch_with_exit(int signo, int flags) {
  struct sigaction action {};
  action.sa_flags = flags;
  if ((flags & SA_SIGINFO) != 0) {
    action.sa_sigaction = [](int caught, siginfo_t* info, void* context) {
      _exit(info != nullptr && info->si_signo == caught && context != nullptr ? 40 + caught : 99);
    };
  } else {
    action.sa_handler = [](int caught) { _exit(40 + caught); };
  }
  CHILD_CHECK(sigaction(signo, &action, nullptr) == 0);
}

}  // namespace

TEST_CASE("a fault of the consumer's own reaches who was there before") {
  enum class before { nobody, ignored, plain, siginfo, nosigbus_too };
  for (const own_fault& fault : own_faults) {
    for (const before who :
         {before::nobody, before::ignored, before::plain, before::siginfo, before::nosigbus_too}) {
      // SIG_IGN: what is sent is nothing, what is a fault kills.
      if (who == before::ignored && strstr(fault.name, "sent") != nullptr) continue;
      CAPTURE(fault.name);
      CAPTURE(static_cast<int>(who));
      const auto run = [&] {
        if (who == before::ignored) signal(fault.signo, SIG_IGN);
        if (who == before::plain) catch_with_exit(fault.signo, 0);
        if (who == before::siginfo || who == before::nosigbus_too) catch_with_exit(fault.signo, SA_SIGINFO);
        if (who == before::nosigbus_too) nosigbus::install(NOSIGBUS_CATCH_SEGV);
        const auto bytes = content(2 * page);
        const hostile_buffer buffer(bytes, {&much_later, 1});
        fault.make(buffer);
        return 0;
      };
      const bool caught = who >= before::plain;
      CHECK(in_child(run) == (caught ? exited(40 + fault.signo) : killed_by(fault.signo)));
    }
  }
}

TEST_CASE("who reports a crash may read what is closed") {
  static const hostile_buffer* g_buffer = nullptr;
  const auto run = [](int flags) {
    struct sigaction action {};
    action.sa_flags = flags;
    action.sa_handler = [](int) { _exit(read_byte(g_buffer->data(), 3) == pattern(3) ? 50 : 51); };
    CHILD_CHECK(sigaction(SIGSEGV, &action, nullptr) == 0);
    const auto bytes = content(10);
    const hostile_buffer buffer(bytes, {&much_later, 1});
    g_buffer = &buffer;
    read_nowhere();
    return 0;
  };
  CHECK(in_child([&] { return run(0); }) == exited(50));
  CHECK(in_child([&] { return run(static_cast<int>(SA_RESETHAND)); }) == exited(50));
}

TEST_CASE("what was closed when a buffer ended is not opened any more") {
  const auto run = [](bool ended) {
    const auto bytes = content(10);
    auto buffer = std::make_unique<hostile_buffer>(bytes, std::span(&much_later, 1));
    const std::byte* const at = buffer->data();
    if (ended) buffer.reset();
    return read_byte(at, 3) == pattern(3) ? 0 : 1;
  };
  CHECK(in_child([&] { return run(false); }) == exited(0));
  CHECK(in_child([&] { return run(true); }) == killed_by(SIGSEGV));
}

TEST_CASE("handlers that come later are met by the next buffer from the front") {
  const auto run = [] {
    CHILD_CHECK(meets_double_fetch());
    nosigbus::install(NOSIGBUS_CATCH_SEGV);
    CHILD_CHECK(meets_double_fetch());
    const auto fault = nosigbus::guard([] {
      CHILD_CHECK(meets_double_fetch());
      read_nowhere();
    });
    CHILD_CHECK(!fault && fault.fault().address == g_nowhere);
    CHILD_CHECK(meets_double_fetch());
    return 0;
  };
  CHECK(in_child(run) == exited(0));
  // Ours calls nosigbus's, which calls ours: nobody wants it.
  CHECK(in_child([&] { return run(), read_nowhere(), 0; }) == killed_by(SIGSEGV));
  CHECK(in_child([&] { return catch_with_exit(SIGSEGV, SA_SIGINFO), run(), read_nowhere(), 0; }) ==
        exited(40 + SIGSEGV));
}

TEST_CASE("a consumer that jumps out of a step is met again" NO_QEMU("its SIGBUS")) {
  const auto run = [] {
    static sigjmp_buf out;
    signal(SIGBUS, [](int) { siglongjmp(out, 1); });
    for (int round = 0; round < 20; ++round) {
      const hostile_act acts[] = {{act_kind::truncate, false, true, 4, 1, 1, 0, 0},
                                  {act_kind::restore, false, false, 4, 2, 1, 0, 0},
                                  {act_kind::write, false, false, 1, 1, 0, 3, 9}};
      const auto bytes = content(2 * page);
      const hostile_buffer buffer(bytes, acts);
      if (sigsetjmp(out, 1) == 0) {
        read_byte(buffer.data(), page);
        return 1;
      }
      // The touch of another page ends what was left.
      CHILD_CHECK(read_byte(buffer.data(), 3) == 9 && buffer.done() == 2);
      CHILD_CHECK(read_byte(buffer.data(), page) == pattern(page) && buffer.done() == 3);
    }
    return 0;
  };
  CHECK(in_child(run) == exited(0));
}

TEST_CASE("an instruction that touches two pages is one touch of each") {
  for (const uint32_t touch : {1u, 2u}) {
    if (touch > 1 && !nosigbus::detail::can_single_step) continue;
    CAPTURE(touch);
    const auto run = [touch] {
      const hostile_act acts[] = {
          {act_kind::write, false, false, 2, touch, 0, static_cast<uint32_t>(page - 2), 0x1111},
          {act_kind::write, false, false, 2, touch, 1, static_cast<uint32_t>(page), 0x2222}};
      const auto bytes = content(2 * page);
      const hostile_buffer buffer(bytes, acts);
      uint32_t before = 0;
      memcpy(&before, bytes.data() + page - 2, sizeof before);
      uint32_t is = before;
      for (uint32_t read = 1; read <= touch; ++read) {
        CHILD_CHECK(is == before);
        memcpy(&is, const_cast<const std::byte*>(buffer.data() + page - 2), sizeof is);
        asm volatile("" : "+r"(is)::"memory");
      }
      CHILD_CHECK(is == 0x22221111 && buffer.done() == 2);
      return 0;
    };
    CHECK(in_child(run) == exited(0));
  }
}

TEST_CASE("two buffers live at a time and a ninth does not") {
  const auto run = [](int count) {
    const auto bytes = content(10);
    std::vector<std::unique_ptr<hostile_buffer>> buffers;
    for (int i = 0; i < count; ++i) {
      buffers.push_back(std::make_unique<hostile_buffer>(bytes, std::span(&change_after_first, 1)));
    }
    for (const auto& buffer : buffers) {
      CHILD_CHECK(read_byte(buffer->data(), 0) == pattern(0));
      if (nosigbus::detail::can_single_step) CHILD_CHECK(buffer->done() == 1);
    }
    return 0;
  };
  CHECK(in_child([&] { return run(8); }) == exited(0));
  CHECK(in_child([&] { return run(9); }) == killed_by(SIGABRT));
  CHECK(in_child([&] { return run(8), run(8), run(8); }) == exited(0));
}

TEST_CASE("threads read one buffer and each its own") {
  const auto run = [] {
    const auto bytes = content(4 * page);
    for (int round = 0; round < 50; ++round) {
      hostile_act acts[8];
      for (uint16_t i = 0; i < 8; ++i) acts[i] = {act_kind::write, false, true, 1, 1 + i / 4u, i, 0, 0};
      const hostile_buffer shared(bytes, acts);
      std::atomic<int> wrong{0};
      std::vector<std::thread> readers;
      for (int thread = 0; thread < 3; ++thread) {
        readers.emplace_back([&] {
          for (size_t i = 0; i < 4 * page; i += page / 50) {
            const unsigned char is = read_byte(shared.data(), i);
            if (is != pattern(i) && is != 0) ++wrong;
          }
          for (int i = 0; i < 3; ++i) wrong += meets_double_fetch() ? 0 : 1;
        });
      }
      for (std::thread& reader : readers) reader.join();
      CHILD_CHECK(wrong == 0);
      if (nosigbus::detail::can_single_step) CHILD_CHECK(shared.done() == 8);
    }
    return 0;
  };
  CHECK(in_child(run, 60) == exited(0));
}

TEST_CASE("signals may come at any time and their handlers may touch the buffer" NO_TSAN("keeps signals back")
              NO_QEMU("they come when the buffer has gone")) {
  const auto run = [] {
    static const std::byte* g_at = nullptr;
    const auto bytes = content(10);
    struct sigaction action {};
    action.sa_handler = [](int) { read_byte(g_at, 1); };
    CHILD_CHECK(sigaction(SIGALRM, &action, nullptr) == 0);
    for (int round = 0; round < 300; ++round) {
      const hostile_act act{act_kind::write, false, false, 1, 60, 0, 5, 9};
      const hostile_buffer buffer(bytes, {&act, 1});
      g_at = buffer.data();
      const itimerval often{{0, 20}, {0, 20}}, never{};
      setitimer(ITIMER_REAL, &often, nullptr);
      for (int i = 0; i < 70; ++i) read_byte(g_at, 0);
      setitimer(ITIMER_REAL, &never, nullptr);
      if (nosigbus::detail::can_single_step) CHILD_CHECK(read_byte(g_at, 5) == 9 && buffer.done() == 1);
    }
    return 0;
  };
  CHECK(in_child(run, 60) == exited(0));
}

TEST_CASE("a child has buffers of its own") {
  const auto run = [] {
    CHILD_CHECK(meets_double_fetch());
    const auto file = [] {
      struct stat status {};
      CHILD_CHECK(fstat(hostile_buffer({}, {}).fd(), &status) == 0);
      return status.st_ino;
    };
    const ino_t ours = file();
    for (int i = 0; i < 3; ++i) {
      CHILD_CHECK(in_child([&] { return meets_double_fetch() && file() != ours ? 0 : 1; }) == exited(0));
    }
    CHILD_CHECK(meets_double_fetch());
    return 0;
  };
  CHECK(in_child(run) == exited(0));
}

TEST_CASE("what a consumer writes is there and not for the next") {
  const auto run = [] {
    const auto bytes = content(10);
    for (int round = 0; round < 3; ++round) {
      const hostile_act act{act_kind::write, false, false, 1, 2, 0, 5, 9};
      const hostile_buffer buffer(bytes, {&act, 1}, {.writable = true, .exact_end = false});
      auto* const at = reinterpret_cast<volatile unsigned char*>(buffer.writable_data());
      at[4] = 7;
      if (nosigbus::detail::can_single_step) {
        CHILD_CHECK(at[5] == 9 && at[4] == 7 && buffer.done() == 1);
      }
      CHILD_CHECK(at[10] == 0 && at[page - 1] == 0);
      at[10] = 1;
      at[page - 1] = 1;
    }
    return 0;
  };
  CHECK(in_child(run) == exited(0));
}
