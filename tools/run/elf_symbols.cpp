// SPDX-License-Identifier: MIT
#include "elf_symbols.h"

#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "opened_file.h"

namespace nosigbus::run {

namespace {

// What a crafted file may cost. The largest libraries have tables of some ten megabytes.
constexpr uint64_t largest_table = uint64_t{64} << 20;
constexpr size_t longest_name = 64;

// All of a section; empty if it reaches beyond the file, or is larger than any.
template <class Item>
std::vector<Item> content(const opened_file& from, const ElfW(Shdr) & section) {
  const uint64_t size = from.size();
  if (section.sh_type == SHT_NOBITS || section.sh_offset > size ||
      section.sh_size > size - section.sh_offset || section.sh_size > largest_table) {
    return {};
  }
  std::vector<Item> all(section.sh_size / sizeof(Item));
  all.resize(from.read(all.data(), all.size() * sizeof(Item), section.sh_offset) / sizeof(Item));
  return all;
}

// Empty for one that is longer than those that anybody looks for: names can overlap, and all of them together
// be as large as the square of the table.
std::string_view name_at(const std::vector<char>& names, size_t offset) {
  if (offset >= names.size()) return {};
  const std::string_view rest(&names[offset], std::min(names.size() - offset, longest_name));
  const size_t length = rest.find('\0');
  return length == rest.npos ? std::string_view() : rest.substr(0, length);
}

void add_symbols(const opened_file& from, const ElfW(Shdr) & table, const ElfW(Shdr) & its_names,
                 elf_symbols& out) {
  const std::vector<char> names = content<char>(from, its_names);
  for (const ElfW(Sym) & symbol : content<ElfW(Sym)>(from, table))
    (symbol.st_shndx == SHN_UNDEF ? out.imported : out.exported).emplace(name_at(names, symbol.st_name));
}

std::vector<ElfW(Shdr)> sections_of(const opened_file& from, const ElfW(Ehdr) & header) {
  if (header.e_shentsize != sizeof(ElfW(Shdr))) return {};
  ElfW(Shdr) all{};
  all.sh_offset = header.e_shoff;
  all.sh_size = uint64_t{header.e_shnum} * sizeof(ElfW(Shdr));
  return content<ElfW(Shdr)>(from, all);
}

}  // namespace

std::optional<elf_symbols> read_symbols(const std::string& path) {
  const opened_file from(path);
  ElfW(Ehdr) header{};
  constexpr unsigned char own_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
  if (!from.good() || !from.read(header, 0) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != own_class) {
    return std::nullopt;
  }
  const std::vector<ElfW(Shdr)> sections = sections_of(from, header);
  if (header.e_shstrndx >= sections.size()) return std::nullopt;
  const std::vector<char> section_names = content<char>(from, sections[header.e_shstrndx]);
  elf_symbols out;
  bool known = false;
  for (const ElfW(Shdr) & each : sections) {
    if (name_at(section_names, each.sh_name) == ".go.buildinfo") out.go = true;
    if (known || each.sh_type != SHT_DYNSYM || each.sh_link >= sections.size()) continue;
    add_symbols(from, each, sections[each.sh_link], out);
    known = true;  // there is one
  }
  return out;
}

}  // namespace nosigbus::run
