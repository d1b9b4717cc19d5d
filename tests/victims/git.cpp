// SPDX-License-Identifier: MIT
//
// git cat-file answers one request after the other from a pack that it maps, with its index, for the first.
#include <sys/wait.h>

#include <filesystem>
#include <sstream>

#include "victims.h"

namespace victims_test {

namespace {

// Of nobody's configuration.
std::vector<std::string> git(const stage& here, std::vector<std::string> command) {
  std::vector<std::string> all{"env", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "git",
                               "--git-dir=" + here.path("repository")};
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// Two objects that are nowhere but in a pack. Returns its path, without .pack or .idx.
std::string make_pack(const stage& here, std::string (&objects)[2]) {
  const std::string text = noise(200, 1000);
  here.prepare(git(here, {"init", "-q", "--bare"}));
  objects[0] = first_line(here.prepare(git(here, {"hash-object", "-w", here.write("first", text)})));
  objects[1] = first_line(here.prepare(git(here, {"hash-object", "-w", here.write("second", "2" + text)})));
  const std::string packs = here.path("repository") + "/objects/pack/pack";
  const std::string name = here.prepare(git(here, {"pack-objects", "-q", "--window=0", packs}),
                                        objects[0] + "\n" + objects[1] + "\n");
  here.prepare(git(here, {"prune-packed", "-q"}));
  return packs + "-" + first_line(name);
}

bool get_object(test::process& cat, const std::string& object) {
  cat.send(object + "\n");
  if (cat.line(patience_milliseconds) != object + " blob 200200") return false;
  for (int line = 0; line < 201; ++line) {
    if (!cat.line(patience_milliseconds)) return false;
  }
  return true;
}

scene play(const stage& here, const char* part) {
  std::string objects[2];
  const std::string file = make_pack(here, objects) + part;
  // It was made unwritable, which does not keep its owner from anything.
  std::filesystem::permissions(file, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
  test::process cat(here.wrapped(git(here, {"cat-file", "--batch"})), here.destinations());
  scene result{{}, file};
  if (!get_object(cat, objects[0])) result.complaint = "does not find its object";
  cut(file, 0);
  cat.send(objects[1] + "\n");
  result.end = here.end_of(cat);
  return result;
}

}  // namespace

scene play_git_pack(const stage& here) { return play(here, ".pack"); }
scene play_git_index(const stage& here) { return play(here, ".idx"); }

}  // namespace victims_test
