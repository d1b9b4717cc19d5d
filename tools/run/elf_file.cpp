// SPDX-License-Identifier: MIT
#include "elf_file.h"

#include <elf.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "opened_file.h"

namespace nosigbus::run {

namespace {

std::string text_of(const opened_file& from, uint64_t offset, uint64_t size) {
  char text[PATH_MAX] = {};
  from.read(text, std::min<uint64_t>(size, sizeof text - 1), offset);
  return text;
}

template <class Entry>
bool names_auditors(const opened_file& from, uint64_t offset) {
  constexpr unsigned most = 4096;  // programs have some dozens
  Entry entry{};
  for (unsigned i = 0; i < most && from.read(entry, offset + i * sizeof entry) && entry.d_tag != DT_NULL;
       ++i) {
    if (entry.d_tag == DT_AUDIT || entry.d_tag == DT_DEPAUDIT) return true;
  }
  return false;
}

// Of a file whose integers are in this machine's order; the other order is another machine's anyway.
template <class Header, class Segment, class Entry>
void read_elf(const opened_file& from, elf_facts& out) {
  Header header;
  if (!from.read(header, 0)) return;
  out.machine = header.e_machine;
  Segment interpreter{}, dynamic{};  // of several, the kernel takes the first one, the loader the last one
  for (unsigned i = 0; i < header.e_phnum && header.e_phentsize == sizeof(Segment); ++i) {
    Segment segment;
    if (!from.read(segment, header.e_phoff + uint64_t{i} * sizeof segment)) break;
    if (segment.p_type == PT_INTERP && interpreter.p_type == PT_NULL) interpreter = segment;
    if (segment.p_type == PT_DYNAMIC) dynamic = segment;
  }
  if (interpreter.p_type == PT_INTERP)
    out.interpreter = text_of(from, interpreter.p_offset, interpreter.p_filesz);
  if (dynamic.p_type == PT_DYNAMIC) out.audited = names_auditors<Entry>(from, dynamic.p_offset);
}

// As the kernel's binfmt_script does: one word, and the rest of the line as one argument.
void read_script(const std::string& head, executable_file& out) {
  constexpr const char* blanks = " \t";
  const std::string line = head.substr(2, std::min(head.find('\n'), head.size()) - 2);
  const size_t begin = line.find_first_not_of(blanks);
  if (begin == std::string::npos) return;
  const size_t end = std::min(line.find_first_of(blanks, begin), line.size());
  out.script_interpreter = line.substr(begin, end - begin);
  const size_t argument = line.find_first_not_of(blanks, end);
  if (argument == std::string::npos) return;
  out.script_argument = line.substr(argument, line.find_last_not_of(blanks) + 1 - argument);
}

}  // namespace

std::optional<executable_file> read_executable(const std::string& path) {
  const opened_file from(path);
  if (!from.good()) return std::nullopt;
  char head[256];  // as much as the kernel looks at
  const size_t length = from.read(head, sizeof head, 0);
  executable_file out;
  if (length >= 2 && memcmp(head, "#!", 2) == 0) {
    read_script({head, length}, out);
  } else if (length >= EI_NIDENT && memcmp(head, ELFMAG, SELFMAG) == 0) {
    elf_facts& facts = out.elf.emplace();
    facts.elf_class = static_cast<uint8_t>(head[EI_CLASS]);
    facts.data = static_cast<uint8_t>(head[EI_DATA]);
    if (facts.elf_class == ELFCLASS64) {
      read_elf<Elf64_Ehdr, Elf64_Phdr, Elf64_Dyn>(from, facts);
    } else {
      read_elf<Elf32_Ehdr, Elf32_Phdr, Elf32_Dyn>(from, facts);
    }
  }
  return out;
}

}  // namespace nosigbus::run
