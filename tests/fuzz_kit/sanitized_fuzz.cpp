// SPDX-License-Identifier: MIT
//
// All of the kit below libFuzzer and a sanitizer, whose handlers are in place: acts of all kinds come when
// they should, and a crash of the consumer's is still the sanitizer's to tell. Built by sanitizers_test.sh;
// without libnosigbus, which is not instrumented.
#include <setjmp.h>
#include <signal.h>

#include <cstdlib>
#include <cstring>
#include <nosigbus/fuzz.hpp>

namespace {

using nosigbus::act_kind;
using nosigbus::hostile_act;
using nosigbus::hostile_buffer;

sigjmp_buf g_out;

// What is missing ends the consumer, and no more.
template <class Consumer>
bool survives(Consumer consumer) {
  struct sigaction ours {
  }, before{};
  ours.sa_handler = [](int) { siglongjmp(g_out, 1); };
  sigaction(SIGBUS, &ours, &before);
  volatile bool stopped = true;
  if (sigsetjmp(g_out, 1) == 0) {
    consumer();
    stopped = false;
  }
  sigaction(SIGBUS, &before, nullptr);
  return !stopped;
}

void require(bool condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "not so: %s\n", what);
  abort();
}

void known_acts() {
  std::byte content[10000];
  memset(content, 7, sizeof content);
  const hostile_act change{act_kind::write, true, true, 1, 1, 0, 0, 9};
  {
    const hostile_buffer buffer(content, {&change, 1});
    const auto* const at = reinterpret_cast<const volatile char*>(buffer.data());
    const char first = at[3], second = at[3];
    require(first == 7 && second == 9, "bytes change between two reads");
  }
  for (const act_kind kind : {act_kind::truncate, act_kind::io_error, act_kind::poison}) {
    if (kind != act_kind::truncate && !hostile_buffer::can(act_kind::io_error)) continue;
    const hostile_act fail{kind, false, true, 1, 2, 1, 0, 0};
    const hostile_buffer buffer(content, {&fail, 1});
    const auto* const at = reinterpret_cast<const volatile char*>(buffer.data());
    require(survives([&] { (void)at[5000]; }), "the first touch");
    require(!survives([&] { (void)at[5001]; }), "the second touch fails");
  }
}

}  // namespace

// The environment may ask for a mistake of the consumer's.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  known_acts();
  const hostile_buffer buffer(data, size);
  const auto* const at = reinterpret_cast<const volatile unsigned char*>(buffer.data());
  static volatile unsigned total = 0;
  survives([&] {
    for (size_t i = 0; i < buffer.size(); ++i) total = total + at[i];
  });
  const char* const mistake = getenv("MISTAKE");
  if (mistake == nullptr) return 0;
  if (strcmp(mistake, "null") == 0) *reinterpret_cast<volatile char*>(uintptr_t{8}) = 1;
  if (strcmp(mistake, "behind the end") == 0) total = total + at[buffer.size()];
  return 0;
}
