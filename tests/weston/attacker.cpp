// SPDX-License-Identifier: MIT
//
// attacker NAME: plays one attack, says what became of its connection, and stays until its input ends.
// attacker --list: names them.
#include <cstdio>
#include <cstring>

#include "attacks.h"
#include "screen.h"

namespace {

using namespace weston_test;

void play(const attack& chosen) {
  client connection;
  const char* remark = chosen.run(connection);
  // Whatever the server has not looked at yet.
  screen(connection).capture();
  connection.roundtrip();
  printf("stayed %s\n", remark);
  // Still there for the server to paint.
  getchar();
}

int report(const attack& chosen) {
  try {
    play(chosen);
  } catch (const disconnected& error) {
    printf("disconnected %s\n", error.what());
  } catch (const impossible& error) {
    printf("skipped %s\n", error.what());
  } catch (const std::exception& error) {
    printf("failed %s\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  setlinebuf(stdout);
  if (argc != 2) return 2;
  const bool list = strcmp(argv[1], "--list") == 0;
  const attack* chosen = nullptr;
  for_each_attack([&](const attack& each) {
    if (list) puts(each.name);
    if (strcmp(argv[1], each.name) == 0) chosen = &each;
  });
  if (list) return 0;
  if (chosen == nullptr) {
    fprintf(stderr, "no attack %s\n", argv[1]);
    return 2;
  }
  return report(*chosen);
}
