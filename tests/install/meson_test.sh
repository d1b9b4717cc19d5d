#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A Meson project builds with nosigbus, and its programs run. PKG_CONFIG_PATH says where it is installed.
#
# meson_test.sh MESON WORK_DIR
set -euo pipefail

meson=$1 work=$2
rm -rf "$work"
"$meson" setup "$work" "$(dirname "${BASH_SOURCE[0]}")/meson"
"$meson" test -C "$work" --print-errorlogs
