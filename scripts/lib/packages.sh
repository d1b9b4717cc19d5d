# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Sourced by the other scripts: Debian packages on demand.

# need_packages PKG|COMMAND=PKG...
#
# COMMAND=PKG: the package only where the command is not found, or the file where it is a path. For tools that people
# have from elsewhere, in another version, which the package would come in the way of.
# Returns 0 with all of them installed; costs one dpkg-query when they are already. Otherwise installs
# the missing ones with apt-get, as root or through sudo, or says which are missing and returns 1. On a
# system without dpkg it can only name them.
need_packages() {
  if ! command -v dpkg-query >/dev/null; then
    echo "not a Debian system, cannot look for packages; needed are: $*" >&2
    return 0
  fi
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0

  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    echo "missing packages, and neither root nor sudo to install them: ${missing[*]}" >&2
    return 1
  fi
  echo "installing packages: ${missing[*]}" >&2
  if ! update_package_lists || ! apt_get install -y --no-install-recommends "${missing[@]}"; then
    echo "could not install the packages: ${missing[*]}" >&2
    return 1
  fi
}

# Those of need_packages' arguments that are not installed, one a line.
missing_packages() {
  local known package packages=()
  for package in "$@"; do
    case $package in
      /*=*) [ -e "${package%%=*}" ] || packages+=("${package#*=}") ;;
      *=*) command -v "${package%%=*}" >/dev/null || packages+=("${package#*=}") ;;
      *) packages+=("$package") ;;
    esac
  done
  # dpkg-query prints those it knows, and fails when it does not know one.
  # shellcheck disable=SC2016 # dpkg-query's format, not ours to expand
  known=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${packages[@]}" 2>/dev/null || true)
  for package in "${packages[@]}"; do
    grep -qxF "$package installed" <<<"$known" || printf '%s\n' "$package"
  done
}

# Its chatter goes to stderr: stdout belongs to the script.
apt_get() {
  local command=(env DEBIAN_FRONTEND=noninteractive apt-get -qq
    -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 "$@")
  if [ "$(id -u)" -eq 0 ]; then
    "${command[@]}" </dev/null >&2
  elif [ -t 0 ]; then
    sudo "${command[@]}" >&2
  else
    sudo -n "${command[@]}" </dev/null >&2 # nobody there to type a password
  fi
}

# Once per process.
update_package_lists() {
  [ -z "${package_lists_updated:-}" ] || return 0
  apt_get update && package_lists_updated=1
}
