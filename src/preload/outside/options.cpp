// SPDX-License-Identifier: MIT
#include <src/preload/options.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace nosigbus::preload {

namespace {

template <class Value>
struct choice {
  const char* word;
  Value value;
};

template <class Value, size_t Count>
void read(const char* variable, Value& out, const choice<Value> (&choices)[Count]) {
  const char* const text = getenv(variable);
  if (text == nullptr || *text == '\0') return;
  for (const choice<Value>& known : choices) {
    if (strcmp(text, known.word) == 0) {
      out = known.value;
      return;
    }
  }
  fprintf(stderr, "nosigbus: %s=%s is none of:", variable, text);
  for (const choice<Value>& known : choices) fprintf(stderr, " %s", known.word);
  fprintf(stderr, "; it is ignored\n");
}

}  // namespace

void read_options() {
  read<scope>("NOSIGBUS_SCOPE", g_options.guarded,
              {{"shm", scope::shm}, {"files", scope::files}, {"all", scope::all}});
  read<answer>("NOSIGBUS_IO", g_options.absorb_io, {{"absorb", answer::yes}, {"pass", answer::no}});
  read<answer>("NOSIGBUS_WRITE", g_options.discard_writes, {{"discard", answer::yes}, {"pass", answer::no}});
  read<bool>("NOSIGBUS_OWN_HANDLER", g_options.rescue, {{"cooperate", false}, {"rescue", true}});
  read<bool>("NOSIGBUS_BACKTRACE", g_options.backtrace, {{"0", false}, {"1", true}});
}

}  // namespace nosigbus::preload
