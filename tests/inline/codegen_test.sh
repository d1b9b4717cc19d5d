#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A guarded load or store in a loop is one plain instruction, as a volatile one is, and nothing else touches
# memory or is called.
#
# codegen_test.sh CC OBJDUMP INCLUDE_DIR WORK_DIR
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C

cc=$1 objdump=$2 include=$3 work=$4
source=$(dirname "${BASH_SOURCE[0]}")/codegen.c
checks=0 failures=0
mkdir -p "$work"

"$cc" -std=c11 -O2 -fno-unroll-loops -I "$include" -c "$source" -o "$work/codegen.o"
"$objdump" -d --no-show-raw-insn "$work/codegen.o" >"$work/codegen.s"

# accesses FUNCTION: the mnemonics of its instructions that touch memory or call, in order.
accesses() {
  awk -v wanted="<$1>:" '
    /^[0-9a-f]* ?<.*>:$/ { inside = $NF == wanted; next }
    !inside || NF == 0 { next }
    { sub(/^ *[0-9a-f]+:/, ""); sub(/#.*/, "") }
    $1 ~ /^(nop|data16|cs|lea|xchg)/ && !/\[/ { next }
    /\(|\[/ || $1 ~ /^(call|bl|blr)$/ { print $1 }' "$work/codegen.s" | tr '\n' ' '
}

for bits in 8 16 32 64; do
  for kind in load store; do
    checks=$((checks + 1))
    guarded=$(accesses "guarded_$kind$bits") plain=$(accesses "plain_$kind$bits")
    # A volatile load may be part of the addition.
    if [[ ! $guarded =~ ^(mov|ldr|str)[a-z]*\ $ ]] || [ "$(wc -w <<<"$plain")" -ne 1 ]; then
      echo "FAILED: $kind$bits is \"$guarded\", a volatile one \"$plain\""
      failures=$((failures + 1))
    fi
  done
done
echo "$checks loops, $failures failed"
[ "$failures" -eq 0 ]
