#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# record_test.sh RECORDER: what a terminal showed is in the picture, with its colours and blanks.
set -euo pipefail

recorder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2016 # the other shell expands it
"$recorder" "$work/picture.svg" "printf 'a  <b>\\n\\033[1;31mred\\033[0m & plain\\n'" '(kill -BUS $BASHPID)'
python3 - "$work/picture.svg" <<'EOT'
import sys
import xml.etree.ElementTree as tree

svg = "{http://www.w3.org/2000/svg}"
lines = ["".join(line.itertext()) for line in tree.parse(sys.argv[1]).iter(svg + "text")]
fills = {span.text: span.get("fill") for span in tree.parse(sys.argv[1]).iter(svg + "tspan")}
assert lines[1:3] == ["a  <b>", "red & plain"], lines
assert lines[3] == "$ (kill -BUS $BASHPID)" and lines[4] == "Bus error", lines
assert fills["red"] == "#ff6b68" and fills[" & plain"] != fills["red"], fills
EOT
