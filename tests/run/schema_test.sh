#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# schema_test.sh RUN STAND-IN SUBJECT SCHEMA: what --report=json writes is what the schema says. Exit status 77:
# there is no python3-jsonschema to say so.
set -euo pipefail

export NOSIGBUS_PRELOAD=$2
run=$1 subject=$3 schema=$4
python3 -c 'import jsonschema' 2>/dev/null || exit 77

report() { "$run" --report=json --log=fd:1 --follow "$@"; }
{
  report true
  report --backtrace "$subject" record '/memfd:x (deleted)' zeros sleep healed zeros sleep gone record /dev/shm/y passed lost
  report --backtrace "$subject" record $'/memfd:\xff\e\n' zeros zeros exit 3 || true
  report --backtrace "$subject" record /z passed die 9 || true
  report --check --scope=files /bin/sh
  report --check "$(printf 'no\xffsense')" || true
  report --check /etc/passwd || true
} 2>/dev/null |
  python3 -c '
import json, sys
import jsonschema
with open(sys.argv[1]) as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
lines = [json.loads(line) for line in sys.stdin]
wrong = [f"{error.json_path}: {error.message}" for line in lines for error in validator.iter_errors(line)]
reports = [line for line in lines if line["type"] == "report"]
if len(reports) != 4 or len(lines) < 8:
    wrong.append(f"{len(lines)} lines, {len(reports)} reports")
if [each["state"]["what"] for each in reports] != ["exited", "exited", "exited", "killed"]:
    wrong.append("states")
if [each["status"] for each in lines if each["type"] == "check"] != [0, 127, 126]:
    wrong.append("checks")
# What it must not accept.
broken = dict(reports[1], mappings=[dict(reports[1]["mappings"][0], faults=-1)])
if validator.is_valid(broken) or validator.is_valid({"type": "report"}) or \
        validator.is_valid(dict(lines[-1], status=3)):
    wrong.append("the schema accepts anything")
print("\n".join(wrong) or f"{len(lines)} lines are valid")
sys.exit(bool(wrong))
' "$schema"
