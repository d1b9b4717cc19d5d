// SPDX-License-Identifier: MIT
#include <src/preload/options.h>
#include <stdio.h>
#include <string.h>

namespace nosigbus::preload {

namespace {

template <class Value>
struct choice {
  const char* word;
  Value value;
};

template <class Value, size_t Count>
void read(const char* name, const char* text, Value& out, const choice<Value> (&choices)[Count]) {
  if (text == nullptr || *text == '\0') return;
  for (const choice<Value>& known : choices) {
    if (strcmp(text, known.word) == 0) {
      out = known.value;
      return;
    }
  }
  fprintf(stderr, "nosigbus: %s=%s is none of:", name, text);
  for (const choice<Value>& known : choices) fprintf(stderr, " %s", known.word);
  fprintf(stderr, "; it is ignored\n");
}

}  // namespace

const char* variable(const char* const* environment, const char* name) {
  const size_t length = strlen(name);
  for (; *environment != nullptr; ++environment) {
    if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
      return *environment + length + 1;
  }
  return nullptr;
}

void read_options(const char* const* environment) {
  const auto read_one = [environment](const char* name, auto& out, const auto& choices) {
    read(name, variable(environment, name), out, choices);
  };
  constexpr choice<scope> scopes[] = {{"shm", scope::shm}, {"files", scope::files}, {"all", scope::all}};
  constexpr choice<answer> io[] = {{"absorb", answer::yes}, {"pass", answer::no}};
  constexpr choice<answer> writes[] = {{"discard", answer::yes}, {"pass", answer::no}};
  constexpr choice<bool> handlers[] = {{"cooperate", false}, {"rescue", true}};
  constexpr choice<bool> switches[] = {{"0", false}, {"1", true}};
  read_one("NOSIGBUS_SCOPE", g_options.guarded, scopes);
  read_one("NOSIGBUS_IO", g_options.absorb_io, io);
  read_one("NOSIGBUS_WRITE", g_options.discard_writes, writes);
  read_one("NOSIGBUS_OWN_HANDLER", g_options.rescue, handlers);
  read_one("NOSIGBUS_BACKTRACE", g_options.backtrace, switches);
}

}  // namespace nosigbus::preload
