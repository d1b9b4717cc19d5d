# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Sourced by the other scripts: what Debian has for arm64 alone, on a machine that is another.

# arm64_apt FOLDER TOOL ARGUMENT...: an apt of its own, with its state in FOLDER; the host's does not learn of
# another architecture.
arm64_apt() {
  local folder=$1 tool=$2
  shift 2
  mkdir -p "$folder"/state/lists/partial "$folder"/cache/archives/partial
  [ -e "$folder/status" ] || : >"$folder/status"
  "$tool" -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$folder/state" \
    -o Dir::State::status="$folder/status" -o Dir::Cache="$folder/cache" -o APT::Sandbox::User=root \
    -o Debug::NoLocking=1 -o Acquire::Retries=3 -qq "$@"
}

arm64_update() {
  [ -e "$1/updated" ] || { arm64_apt "$1" apt-get update && : >"$1/updated"; } >&2
}

# arm64_libraries FOLDER: libraries that tests for arm64 are linked with, statically, beside the cross
# compiler's own. For cmake/aarch64-linux-gnu.cmake, by NOSIGBUS_ARM64_LIBRARIES. 1 where they cannot be had.
arm64_libraries() {
  local folder=$1 archive
  local packages=(libboost1.74-dev libboost-context1.74-dev libpng-dev zlib1g-dev)
  [ ! -e "$folder/complete" ] || return 0
  mkdir -p "$folder/archives"
  arm64_update "$folder/apt" || return 1
  (cd "$folder/archives" && arm64_apt "$folder/apt" apt-get download "${packages[@]}" >&2) || return 1
  for archive in "$folder"/archives/*.deb; do dpkg-deb -x "$archive" "$folder" || return 1; done
  # Shared ones would have to be found by an emulator, or by a kernel that has nothing else.
  find "$folder/usr/lib" -name '*.so*' -delete
  rm -rf "$folder/archives"
  : >"$folder/complete"
}
