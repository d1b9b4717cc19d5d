// SPDX-License-Identifier: MIT
//
// INSIDE THE SIGNAL. No allocation, no locks that a fault can hold, no logging, no libc beyond raw
// system calls. Every line here is reviewed for async-signal safety.
#include <dlfcn.h>
#include <src/backtrace/inside/cfi_find.h>

namespace nosigbus::backtrace {

namespace {

// .eh_frame_hdr, as every linker writes it: a sorted table whose offsets count from the header (LSB, "The
// .eh_frame_hdr section").
struct table_row {
  int32_t code, entry;
};
struct table_header {
  unsigned char version, pointer_encoding, count_encoding, row_encoding;
  int32_t frames;
  uint32_t count;
};
constexpr unsigned char pc_relative_32 = 0x1b, unsigned_32 = 0x03, header_relative_32 = 0x3b;

// The entry whose code begins last before pc, or at it.
const unsigned char* look_up(code_memory& memory, const unsigned char* header, uintptr_t pc) {
  table_header head;
  if (!memory.read(header, &head) || head.version != 1 || head.pointer_encoding != pc_relative_32 ||
      head.count_encoding != unsigned_32 || head.row_encoding != header_relative_32) {
    return nullptr;
  }
  const unsigned char* const rows = header + sizeof head;
  table_row row;
  const int64_t code = static_cast<int64_t>(pc - reinterpret_cast<uintptr_t>(header));
  size_t low = 0, high = head.count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (!memory.read(rows + middle * sizeof row, &row)) return nullptr;
    if (row.code <= code) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const bool found = low != 0 && memory.read(rows + (low - 1) * sizeof row, &row);
  return found ? header + row.entry : nullptr;
}

// A length, then that many bytes. The format with 64 bits is used by nobody.
cfi_reader record_at(code_memory& memory, const unsigned char* at) {
  uint32_t length;
  if (!memory.read(at, &length) || length == 0 || length == 0xffff'ffff) return {};
  return {memory, at + sizeof length, at + sizeof length + length};
}

// What a CIE's augmentation says.
struct augmentation {
  bool sized, signal_frame;
  unsigned pointer_encoding;
};

bool read_augmentation(cfi_reader letters, cfi_reader& reader, augmentation& out) {
  const auto next = [&letters] { return letters.fixed<unsigned char>(); };
  unsigned char letter = next();
  out = {letter == 'z', false, 0};
  if (!out.sized) return letter == 0;
  cfi_reader data = reader.block();
  while ((letter = next()) != 0) {
    switch (letter) {
      case 'R':
        out.pointer_encoding = data.fixed<unsigned char>();
        break;
      case 'P': {  // only its length matters
        const unsigned encoding = data.fixed<unsigned char>();
        data.pointer_value(encoding & 0x0f);
        break;
      }
      case 'L':
        data.fixed<unsigned char>();
        break;
      case 'S':
        out.signal_frame = true;
        break;
      case 'B':  // aarch64: return addresses are signed with the other key
        break;
      default:
        return false;
    }
  }
  return data.good();
}

bool read_common(code_memory& memory, const unsigned char* at, cfi_entry& out, augmentation& how) {
  cfi_reader reader = record_at(memory, at);
  if (reader.fixed<uint32_t>() != 0) return false;
  const unsigned version = reader.fixed<unsigned char>();
  if (version != 1 && version != 3) return false;
  const cfi_reader letters = reader;
  reader.skip_text();
  out.code_factor = reader.uleb();
  out.data_factor = reader.sleb();
  out.return_column = version == 1 ? reader.fixed<unsigned char>() : reader.uleb();
  if (!reader.good() || !read_augmentation(letters, reader, how)) return false;
  out.signal_frame = how.signal_frame;
  out.initial = reader;
  return reader.good();
}

}  // namespace

bool find_cfi(code_memory& memory, uintptr_t pc, cfi_entry& out) {
  dl_find_object module;
  if (_dl_find_object(reinterpret_cast<void*>(pc), &module) != 0 || module.dlfo_eh_frame == nullptr)
    return false;
  const unsigned char* const at =
      look_up(memory, static_cast<const unsigned char*>(module.dlfo_eh_frame), pc);
  if (at == nullptr) return false;
  cfi_reader reader = record_at(memory, at);
  const unsigned char* const here = reader.at();
  const uint32_t distance = reader.fixed<uint32_t>();
  augmentation how;
  if (distance == 0 || !reader.good() || !read_common(memory, here - distance, out, how)) return false;
  out.begin = reader.pointer(how.pointer_encoding);
  out.end = out.begin + reader.pointer_value(how.pointer_encoding & 0x0f);
  if (how.sized) reader.block();
  out.instructions = reader;
  return reader.good() && pc >= out.begin && pc < out.end;
}

}  // namespace nosigbus::backtrace
