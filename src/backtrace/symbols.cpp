// SPDX-License-Identifier: MIT
//
// By libdw, which reads the modules' own files: a module is looked at when an address lies in it, and no
// other mapping is ever touched.
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <src/backtrace/symbols.h>
#include <unistd.h>

namespace nosigbus::backtrace {

namespace {

char* g_debug_path = nullptr;  // the built-in one

// Debug information by build ID. Not by dwfl_standard_find_debuginfo: where DEBUGINFOD_URLS is set, that asks
// servers of the network.
const Dwfl_Callbacks g_callbacks{dwfl_linux_proc_find_elf, dwfl_build_id_find_debuginfo, nullptr,
                                 &g_debug_path};

void find_line(Dwfl_Module* module, uintptr_t address, symbol& out) {
  if (Dwfl_Line* const line = dwfl_module_getsrc(module, address)) {
    out.file = dwfl_lineinfo(line, nullptr, &out.line, nullptr, nullptr, nullptr);
    return;
  }
  // That goes by a table (.debug_aranges) which clang leaves out: one compilation unit after the other, then.
  Dwarf_Addr bias = 0;
  Dwarf_Die* unit = nullptr;
  while ((unit = dwfl_module_nextcu(module, unit, &bias)) != nullptr) {
    if (dwarf_haspc(unit, address - bias) <= 0) continue;
    Dwarf_Line* const line = dwarf_getsrc_die(unit, address - bias);
    if (line == nullptr) return;
    out.file = dwarf_linesrc(line, nullptr, nullptr);
    dwarf_lineno(line, &out.line);
    return;
  }
}

Dwfl* session_of(void* session) { return static_cast<Dwfl*>(session); }

}  // namespace

symbols::symbols() : session_(dwfl_begin(&g_callbacks)) {
  if (session_ == nullptr) return;
  // What was read before it failed can end within a path: no module is known then, and no name.
  if (dwfl_linux_proc_report(session_of(session_), getpid()) != 0) dwfl_report_begin(session_of(session_));
  dwfl_report_end(session_of(session_), nullptr, nullptr);
}

symbols::symbols(FILE* maps) : session_(dwfl_begin(&g_callbacks)) {
  if (session_ == nullptr) return;
  dwfl_linux_proc_maps_report(session_of(session_), maps);
  dwfl_report_end(session_of(session_), nullptr, nullptr);
}

symbols::~symbols() { dwfl_end(session_of(session_)); }

symbol symbols::find(uintptr_t address) const {
  symbol result{};
  Dwfl_Module* const module = dwfl_addrmodule(session_of(session_), address);
  if (module == nullptr) return result;
  Dwarf_Addr begin = 0;
  result.module = dwfl_module_info(module, nullptr, &begin, nullptr, nullptr, nullptr, nullptr, nullptr);
  result.begin = begin;
  GElf_Off offset = 0;
  GElf_Sym unused;
  result.function = dwfl_module_addrinfo(module, address, &offset, &unused, nullptr, nullptr, nullptr);
  if (result.function != nullptr) result.begin = address - offset;
  find_line(module, address, result);
  return result;
}

}  // namespace nosigbus::backtrace
