// SPDX-License-Identifier: MIT
#include <cxxabi.h>
#include <src/backtrace/symbols.h>

#include <cstdio>
#include <cstdlib>

#include "symbolise.h"

namespace nosigbus::run {

namespace {

std::string readable(const char* linked) {
  if (linked == nullptr) return {};
  char* const text = abi::__cxa_demangle(linked, nullptr, nullptr, nullptr);
  std::string result = text != nullptr ? text : linked;
  free(text);
  return result;
}

}  // namespace

void symbolise(const std::string& maps, std::vector<frame>& chain) {
  FILE* const file = fmemopen(const_cast<char*>(maps.data()), maps.size(), "r");
  if (file == nullptr) return;
  const backtrace::symbols names(file);
  fclose(file);
  if (!names.good()) return;
  for (size_t i = 0; i < chain.size(); ++i) {
    const backtrace::symbol found = names.find(instruction_of(chain, i));
    if (found.module == nullptr) continue;
    chain[i].module = found.module;
    chain[i].function = readable(found.function);
    chain[i].offset = chain[i].address - found.begin;
    if (found.file != nullptr) chain[i].file = found.file;
    chain[i].line = found.line;
  }
}

}  // namespace nosigbus::run
