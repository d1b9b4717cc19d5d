// SPDX-License-Identifier: MIT
#include <cxxabi.h>
#include <dlfcn.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "find_program.h"
#include "names.h"
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

// Null where there is no such library.
find_names load_names() {
  const std::string path = find_library(names_library);
  void* const library = path.empty() ? nullptr : dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  return library == nullptr ? nullptr : reinterpret_cast<find_names>(dlsym(library, find_names_function));
}

void add_name(void* chain, size_t index, const backtrace::symbol& found) {
  frame& to = (*static_cast<std::vector<frame>*>(chain))[index];
  if (found.module == nullptr) return;
  to.module = found.module;
  to.function = readable(found.function);
  to.offset = to.address - found.begin;
  if (found.file != nullptr) to.file = found.file;
  to.line = found.line;
}

bool symbolise_by_names(const std::string& maps, std::vector<frame>& chain) {
  static const find_names g_find = load_names();
  if (g_find == nullptr) return false;
  std::vector<uintptr_t> instructions;
  instructions.reserve(chain.size());
  for (size_t i = 0; i < chain.size(); ++i) instructions.push_back(instruction_of(chain, i));
  return g_find(maps.data(), maps.size(), instructions.data(), instructions.size(), add_name, &chain);
}

struct module {
  uint64_t begin = 0, end = 0;
  std::string path;
};

// Mappings of one file that follow each other are one module.
std::vector<module> modules_of(const std::string& maps) {
  std::vector<module> all;
  std::istringstream lines(maps);
  std::string line;
  while (std::getline(lines, line)) {
    module found;
    int path = 0;
    if (sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %n", &found.begin, &found.end, &path) <
        2) {
      continue;
    }
    if (path > 0) found.path = line.substr(static_cast<size_t>(path));
    if (found.path.empty()) continue;
    if (!all.empty() && all.back().path == found.path) {
      all.back().end = found.end;
    } else {
      all.push_back(found);
    }
  }
  return all;
}

void symbolise_by_modules(const std::string& maps, std::vector<frame>& chain) {
  const std::vector<module> all = modules_of(maps);
  for (size_t i = 0; i < chain.size(); ++i) {
    const uint64_t address = instruction_of(chain, i);
    for (const module& each : all) {
      if (address < each.begin || address >= each.end) continue;
      chain[i].module = each.path;
      chain[i].offset = chain[i].address - each.begin;
    }
  }
}

}  // namespace

void symbolise(const std::string& maps, std::vector<frame>& chain) {
  if (!symbolise_by_names(maps, chain)) symbolise_by_modules(maps, chain);
}

}  // namespace nosigbus::run
