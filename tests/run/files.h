// SPDX-License-Identifier: MIT
//
// Programs that a test makes of others.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace test {

class program_folder {
 public:
  program_folder() {
    char name[] = "/var/tmp/nosigbus-run-test.XXXXXX";  // /tmp can be mounted nosuid
    path_ = mkdtemp(name);
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  ~program_folder() { std::filesystem::remove_all(path_); }
  program_folder(const program_folder&) = delete;
  program_folder& operator=(const program_folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string copy(const std::string& of, const char* name) const {
    std::filesystem::copy_file(of, path_ / name);
    return path_ / name;
  }
  std::string write(const char* name, const std::string& content) const {
    std::ofstream(path_ / name) << content;
    std::filesystem::permissions(path_ / name, std::filesystem::perms(0755));
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// `true`, with that done to its header.
template <class Header>
std::string with_header(void (*change)(Header&)) {
  std::string content = content_of("/bin/true");
  change(*reinterpret_cast<Header*>(content.data()));
  return content;
}

// A file's content, with one text in the place of another one that is as long.
inline std::string replaced(const std::string& path, const std::string& text, const std::string& by) {
  std::string content = content_of(path);
  const size_t at = content.find(text);
  return at == std::string::npos ? "" : content.replace(at, text.size(), by);
}

}  // namespace test
