#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# pip_test.sh PYTHON PACKAGE FOLDER SUITE: pip builds and installs the package, without a network, and what it has
# installed passes the suite. 77: no pip.
set -euo pipefail
python=$1 package=$2 folder=$3 suite=$4

if ! "$python" -m pip --version; then
  echo 'skipped: no pip (python3-pip)'
  exit 77
fi
rm -rf "$folder"
mkdir -p "$folder"
# Nothing is to be asked of an index.
export PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
"$python" -m pip wheel --no-deps --wheel-dir "$folder" "$package"
"$python" -m pip install --no-deps --target "$folder/site" "$folder"/nosigbus-*.whl

cd "$folder"
PYTHONPATH=$folder/site "$python" -c '
import importlib.metadata, nosigbus, sys
assert nosigbus.__file__.startswith(sys.argv[1]), nosigbus.__file__
assert importlib.metadata.version("nosigbus") == nosigbus.__version__
' "$folder/site"
status=0
PYTHONPATH=$folder/site "$python" "$suite" || status=$?
# Without CPython's suite, it was at least imported.
[ "$status" -eq 0 ] || [ "$status" -eq 77 ]
