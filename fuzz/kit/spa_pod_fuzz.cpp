// SPDX-License-Identifier: MIT
//
// PipeWire's reader of pods, as it is in the headers of libspa-0.2-dev, on what MIDI is passed in: a sequence
// of controls in a buffer that both sides have mapped. Read as PipeWire's JACK library reads it, in a region.
//
// found/spa_pod_size: the size of the sequence is read again for each control, and nothing checks it again.
// The other side that raises it meanwhile has the reader read on behind the buffer.
#include <spa/control/control.h>
#include <spa/pod/iter.h>

#include <nosigbus/fuzz.hpp>
#include <nosigbus/nosigbus.hpp>

namespace {

// Stands for the function that takes the event over; it is another library's, and may change any memory.
__attribute__((noinline)) unsigned sum(const void* data, uint32_t size) {
  unsigned total = 0;
  asm volatile("" ::: "memory");
  for (uint32_t i = 0; i < size; ++i) total += static_cast<const uint8_t*>(data)[i];
  return total;
}

unsigned read_sequence(void* data, size_t size) {
  unsigned total = 0;
  auto* const pod = static_cast<spa_pod*>(spa_pod_from_data(data, size, 0, size));
  if (pod == nullptr || spa_pod_is_sequence(pod) == 0) return 0;
  auto* const sequence = reinterpret_cast<spa_pod_sequence*>(pod);
  spa_pod_control* control = nullptr;
  SPA_POD_SEQUENCE_FOREACH(sequence, control) {
    if (control->type != SPA_CONTROL_Midi) continue;
    total += sum(SPA_POD_BODY(&control->value), SPA_POD_BODY_SIZE(&control->value));
  }
  return total;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  nosigbus::install();
  const nosigbus::hostile_buffer buffer(data, size);
  const auto region = nosigbus::region::adopt(buffer.writable_data(), buffer.size(), buffer.fd(),
                                              NOSIGBUS_ABSORB_IO | NOSIGBUS_ABSORB_POISON);
  if (!region) return 0;
  volatile unsigned total = read_sequence(buffer.writable_data(), buffer.size());
  return static_cast<void>(total), 0;
}
