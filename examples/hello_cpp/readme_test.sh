#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# readme_test.sh README SOURCE: the first program that README shows is SOURCE, without the comment on its top.
set -euo pipefail

# shellcheck disable=SC2016 # of Markdown
diff <(sed -n '/^```cpp$/,/^```$/p' "$1" | sed '1d; /^```$/,$d') <(sed '/^#include/,$!d' "$2")
