// SPDX-License-Identifier: MIT
//
// A harness without a fuzzer: runs it on files, and on the files in folders, in the order of their names.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files(int count, char** arguments) {
  std::vector<fs::path> found;
  for (int i = 0; i < count; ++i) {
    if (!fs::is_directory(arguments[i])) {
      found.emplace_back(arguments[i]);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(arguments[i])) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool run(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fprintf(stderr, "%s cannot be read\n", path.c_str()), false;
  // As long as the input and no longer, so that AddressSanitizer sees reads behind it.
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  const std::vector<uint8_t> input(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(input.data(), input.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<fs::path> paths = files(argc - 1, argv + 1);
  for (const fs::path& path : paths) {
    if (!run(path)) return 1;
  }
  printf("%zu inputs\n", paths.size());
  return paths.empty() ? 1 : 0;
}
