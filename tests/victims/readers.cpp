// SPDX-License-Identifier: MIT
//
// What prints more than a pipe holds: until that is read, it is in the middle of its file.
#include "victims.h"

namespace victims_test {

scene play_sqlite(const stage& here) {
  const std::string file = here.path("database");
  here.prepare({"sqlite3", "-batch", file,
                "CREATE TABLE t(x);"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)"
                "INSERT INTO t SELECT printf('%02000d', i) FROM n;"});
  test::process sqlite(
      here.wrapped({"sqlite3", "-batch", file, "PRAGMA mmap_size=100000000; SELECT x FROM t;"}),
      here.destinations());
  scene result{{}, file};
  if (sqlite.line(patience_milliseconds) != "100000000" || !sqlite.line(patience_milliseconds)) {
    result.complaint = "does not map its database";
  }
  cut(file, 4096);
  result.end = here.end_of(sqlite);
  return result;
}

scene play_ripgrep(const stage& here) {
  const std::string file = here.write("text", noise(8000, 2000));
  test::process ripgrep(here.wrapped({"rg", "--no-config", "--mmap", "--text", "a", file}),
                        here.destinations());
  scene result{{}, file};
  if (!ripgrep.line(patience_milliseconds)) result.complaint = "finds nothing";
  cut(file, 4096);
  result.end = here.end_of(ripgrep);
  return result;
}

}  // namespace victims_test
