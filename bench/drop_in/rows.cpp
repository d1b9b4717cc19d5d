// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <fstream>

#include "measure.h"

namespace drop_in_bench {

namespace {

constexpr const char* page_size = "4096";
constexpr const char* large_size = "67108864";
constexpr const char* page_rounds = "20000";

void add_mappings(std::vector<row>& all) {
  const command page{MAP_LOOP_PROGRAM, page_size, page_rounds};
  const command large{MAP_LOOP_PROGRAM, large_size, "20"};
  all.push_back({"map, touch, unmap 4 KiB", page, page, way::preloaded, taken::by_program, 60, 1.10, 0});
  all.push_back({"map, touch, unmap 64 MiB", large, large, way::preloaded, taken::by_program, 40, 1.10, 0});
  all.push_back({"... 4 KiB, another mapping damaged",
                 page,
                 {MAP_LOOP_PROGRAM, page_size, page_rounds, "damaged"},
                 way::preloaded,
                 taken::by_program,
                 30});
}

void add_starts(std::vector<row>& all) {
  const command nothing{"/bin/true"}, python{"/usr/bin/python3", "-c", "pass"};
  all.push_back({"true, preloaded", nothing, nothing, way::preloaded, taken::by_us, 400, 0, 1e6});
  all.push_back({"true, nosigbus-run", nothing, nothing, way::by_run, taken::by_us, 400, 0, 0});
  all.push_back({"python3 -c pass, preloaded", python, python, way::preloaded, taken::by_us, 150, 1.02, 0});
  all.push_back({"python3 -c pass, nosigbus-run", python, python, way::by_run, taken::by_us, 100});
}

// A library of four files and a program: the compiler, the assembler and the linker, in processes of their
// own.
void add_build(std::vector<row>& all, const std::string& folder) {
  std::ofstream makefile(folder + "/Makefile");
  makefile << "program: a.o b.o c.o main.o\n\tg++ -o $@ $^\n%.o: %.cpp\n\tg++ -O1 -c -o $@ $<\n";
  for (const char* name : {"a", "b", "c"}) {
    std::ofstream(folder + "/" + name + ".cpp")
        << "#include <string>\n#include <vector>\nstd::string " << name
        << "(const std::vector<std::string>& all) { std::string text; for (auto& one : all) text += one; "
           "return text; }\n";
  }
  std::ofstream(folder + "/main.cpp") << "int main() { return 0; }\n";
  const command build{"make", "--silent", "--always-make", "-C", folder};
  all.push_back({"make: 4 files of C++", build, build, way::preloaded, taken::by_us, 12});
}

void add_database(std::vector<row>& all, const std::string& folder) {
  std::ofstream(folder + "/script")
      << "PRAGMA mmap_size=268435456; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;\n"
         "DROP TABLE IF EXISTS t; CREATE TABLE t(id INTEGER PRIMARY KEY, x);\n"
         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)\n"
         "INSERT INTO t SELECT i, printf('%0100d', i) FROM n;\n"
         "CREATE INDEX u ON t(x); SELECT count(*), max(x) FROM t;\n"
         "SELECT sum(length(a.x)) FROM t a JOIN t b ON b.id = a.id * 7919 % 100000;\n";
  const command query{"sqlite3", "-batch", folder + "/database", ".read " + folder + "/script"};
  all.push_back({"sqlite3: inserts, index, selects", query, query, way::preloaded, taken::by_us, 20});
}

}  // namespace

std::vector<row> rows(const std::string& folder) {
  std::vector<row> all;
  add_mappings(all);
  add_starts(all);
  add_build(all, folder);
  add_database(all, folder);
  return all;
}

}  // namespace drop_in_bench
