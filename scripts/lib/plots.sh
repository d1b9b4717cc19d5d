# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Sourced by scripts/update-docs: pictures, drawn by gnuplot. $work is a folder for what is passed to it, $root the source.
root=${root:?} work=${work:-}

# plot FILE WIDTH HEIGHT: standard input are gnuplot's commands.
plot() {
  { cat <<EOF
set terminal svg size $2,$3 background 'white' font 'sans,13' dashlength 0.6
set output '$1'
set datafile separator "\t"
set datafile missing '?'
set grid ytics linecolor '#dddddd' linetype 1
set border 3
set tics nomirror
EOF
    cat; } | gnuplot
}

peers_data() { python3 "$root/scripts/lib/peers.py" data "$1" "$2"; }

plot_copies() {
  sed -nE 's/^"safe_read ([0-9]+) B, \+0 <- \+64",([0-9.]+),"memcpy",([0-9.]+),.*/\1\t\2\t\3/p' "$1" | sort -n >"$work/copies"
  plot "$root/docs/safe_read.svg" 800 420 <<EOF
set title 'nosigbus\\_safe\\_read and memcpy, hot, by size'
set logscale xy
set xlabel 'size, bytes'
set ylabel 'time, ns'
set format x '%.0s %cB'
set grid xtics
set key left top
plot '$work/copies' using 1:2 with linespoints pointtype 7 pointsize 0.4 title 'safe\\_read', \\
     '' using 1:3 with linespoints pointtype 6 pointsize 0.6 title 'memcpy'
EOF
}

# bars DATA FILE TITLE XLABEL RANGE TEXT COLUMN-TITLE...: a group of horizontal bars for each technique, ours on top. On a
# logarithmic scale: RANGE is where the bars begin and the axis ends, TEXT what stands at the end of a bar of x, as gnuplot has it.
bars() {
  local data=$1 file=$2 title=$3 label=$4 range=$5 text=$6 index column y names colours=('#1b5e9e' '#69aadd' '#f0a04b') commands=()
  shift 6
  for index in $(seq 0 $(($# - 1))); do
    column=$((index + 2))
    # Rows count from 0, downwards; a group is 0.8 high.
    y="(-\$0 + 0.4 - 0.8 * ($index + 0.5) / $#)"
    commands+=("'$data' using (${range%:*}):$y:(${range%:*}):$column:($y - 0.36 / $#):($y + 0.36 / $#) \
      with boxxyerror fillstyle solid noborder linecolor rgb '${colours[index]}' title '${*:index+1:1}'")
    commands+=("'$data' using $column:$y:(label(\$$column)) with labels left offset 0.5,0 font 'sans,10' notitle")
  done
  names=$(awk -F '\t' '{ printf "%s\047%s\047 %d", (NR > 1 ? ", " : ""), $1, 1 - NR }' "$data")
  plot "$file" 900 "$((130 + $(wc -l <"$data") * ($# * 13 + 9)))" <<EOF
set title '$title'
label(x) = $text
set logscale x
set xrange [$range]
set format x '%g'
set xlabel '$label'
set yrange [-$(wc -l <"$data") + 0.4 : 0.6]
unset grid
set grid xtics linecolor '#dddddd' linetype 1
set tics noenhanced
set ytics scale 0 ($names)
set key outside top center horizontal reverse Left samplen 2
plot $(join_commas "${commands[@]}")
EOF
}
join_commas() {
  local IFS=,
  echo "$*"
}

plot_healthy() {
  # As multiples of memcpy's time.
  peers_data "$1" 'read 4 KiB;read 64 KiB;read 8 MiB' | awk -F '\t' -v OFS='\t' '
    { line[NR] = $0 } $1 == "unguarded memcpy" { for (i = 2; i <= NF; ++i) base[i] = $i }
    END { for (n = 1; n <= NR; ++n) {
      $0 = line[n]
      for (i = 2; i <= NF; ++i) if ($i != "?") $i = $i / base[i]
      print } }' >"$work/healthy"
  bars "$work/healthy" "$root/docs/peers-read.svg" 'Reading what is there: time as a multiple of an unguarded memcpy' \
    'time / time of memcpy (logarithmic)' 0.3:300 "sprintf('%.2f', x)" '4 KiB' '64 KiB' '8 MiB'
}

plot_cut_off() {
  peers_data "$1" '64 MiB cut off, a byte per page;1 GiB cut off, a byte per page at random' | grep -v '^unguarded' |
    awk -F '\t' -v OFS='\t' '{ for (i = 2; i <= NF; ++i) if ($i != "?") $i = $i / 1e6; print }' >"$work/cut-off"
  bars "$work/cut-off" "$root/docs/peers-cut-off.svg" 'Cut off to nothing, then a byte of each page read' \
    'time, ms (logarithmic)' 0.01:60000 "x < 1000 ? sprintf('%.3g ms', x) : sprintf('%.3g s', x / 1000)" '64 MiB in order' '1 GiB at random'
}

# Columns become rows: a line of X and a value for each technique. lines_data CSV COLUMNS X...
lines_data() {
  local csv=$1 columns=$2
  shift 2
  peers_data "$csv" "$columns" | awk -F '\t' -v x="$*" '
    { name[NR] = $1; for (i = 2; i <= NF; ++i) value[NR, i] = $i }
    END { split(x, xs, " ")
      printf "x"; for (n = 1; n <= NR; ++n) printf "\t%s", name[n]; print ""
      for (i = 2; i <= NF; ++i) { printf "%s", xs[i - 1]; for (n = 1; n <= NR; ++n) printf "\t%s", value[n, i]; print "" } }'
}

# curves DATA NAME=TITLE...: plot commands, one style for a technique wherever it is drawn.
curves() {
  local data=$1 pair name commands=()
  shift
  for pair in "$@"; do
    name=${pair%%=*}
    commands+=("'$data' using (column('x')):(column('$name')) with linespoints ${line_style[$name]} title '${pair#*=}'")
  done
  join_commas "${commands[@]}"
}
declare -A line_style=(
  ['nosigbus region']="linewidth 3 pointtype 7 linecolor rgb '#1b5e9e'"
  ['nosigbus safe_read']="linewidth 3 pointtype 5 linecolor rgb '#3f9be0'"
  ['nosigbus guard']="linewidth 3 pointtype 9 linecolor rgb '#7cc0a8'"
  ['unguarded memcpy']="linewidth 1.5 pointtype 4 linecolor rgb '#888888'"
  ['libwayland']="linewidth 1.5 pointtype 6 linecolor rgb '#d1495b'"
  ['libsigsegv']="linewidth 1.5 pointtype 8 linecolor rgb '#e07b39'"
  ['overlay of mapping']="linewidth 1.5 pointtype 12 linecolor rgb '#8e44ad'"
  ['overlay by page']="linewidth 1.5 pointtype 10 linecolor rgb '#b59a00'"
  ['sigsetjmp, mask saved']="linewidth 1.5 pointtype 2 linecolor rgb '#2e7d32'"
  ['sigsetjmp, no mask']="linewidth 1.5 pointtype 3 linecolor rgb '#6ab04c'"
  ['process_vm_readv']="linewidth 1.5 pointtype 1 linecolor rgb '#555555'"
  ['pread']="linewidth 1.5 pointtype 3 linecolor rgb '#000000'"
  ['private copy']="linewidth 1.5 pointtype 13 linecolor rgb '#c48aa6'"
)

# two_panels FILE TITLE XLABEL SETTINGS LEFT-TITLE LEFT-CURVES RIGHT-TITLE RIGHT-CURVES
two_panels() {
  plot "$1" 1000 540 <<EOF
set multiplot layout 1,2 title '$2' font 'sans,15' margins 0.08,0.97,0.36,0.86 spacing 0.1,0
set xlabel '$3'
set ylabel 'time, ns'
set pointsize 0.7
set key noenhanced maxrows 6 reverse Left samplen 3 font 'sans,11' at graph 0.5,-0.24 center top
$4
set title '$5'
plot $6
set title '$7'
plot $8
unset multiplot
EOF
}

plot_mappings() {
  local attach=() fault=() counts=(1 1000 100000 1000000) count
  for count in "${counts[@]}"; do
    attach+=("attach and detach 8 MiB beside $count mapping$([ "$count" = 1 ] || echo s)")
    fault+=("one fault beside $count mapping$([ "$count" = 1 ] || echo s)")
  done
  lines_data "$1" "$(IFS=';'; echo "${attach[*]}")" "${counts[@]}" >"$work/attach"
  lines_data "$1" "$(IFS=';'; echo "${fault[*]}")" "${counts[@]}" >"$work/fault"
  two_panels "$root/docs/peers-mappings.svg" 'Beside 1 to 1,000,000 mappings' 'other mappings' \
    "set logscale xy; set format y '10^{%L}'; set xrange [0.7:1500000]; unset mytics; \
     set format x '10^{%L}'; set xtics (1, 1e3, 1e5, 1e6)" \
    'attach and detach 8 MiB' "$(curves "$work/attach" 'nosigbus region=region' 'libwayland=libwayland' \
      'libsigsegv=libsigsegv' 'overlay of mapping=overlay of mapping' 'unguarded memcpy=plain mapping, no record' \
      'pread=pread' 'private copy=private copy')" \
    'one fault' "$(curves "$work/fault" 'nosigbus region=region' 'nosigbus safe_read=safe_read' 'nosigbus guard=guard' \
      'libwayland=libwayland' 'libsigsegv=libsigsegv' 'overlay of mapping=overlay of mapping' \
      'overlay by page=overlay by page' 'sigsetjmp, mask saved=sigsetjmp, mask saved' 'sigsetjmp, no mask=sigsetjmp, no mask' 'process_vm_readv=process_vm_readv' \
      'pread=pread')"
}

plot_threads() {
  local reads='read 64 KiB each by 1 thread' faults='one fault each by 1 thread' count
  for count in 2 4 8; do
    reads+=";read 64 KiB each by $count threads"
    faults+=";one fault each by $count threads"
  done
  lines_data "$1" "$reads" 1 2 4 8 >"$work/reads"
  lines_data "$1" "$faults" 1 2 4 8 >"$work/faults"
  two_panels "$root/docs/peers-threads.svg" "1 to 8 threads on $(nproc) processors: time for each of all that were done" threads \
    "set logscale x 2; set yrange [0:*]; set xrange [0.9:9]; set xtics (1, 2, 4, 8)" \
    'read 64 KiB' "$(curves "$work/reads" 'nosigbus region=region' 'nosigbus safe_read=safe_read' 'nosigbus guard=guard' \
      'unguarded memcpy=memcpy' 'libwayland=libwayland' 'process_vm_readv=process_vm_readv' 'pread=pread' \
      'sigsetjmp, mask saved=sigsetjmp, mask saved' 'sigsetjmp, no mask=sigsetjmp, no mask')" \
    'one fault' "$(curves "$work/faults" 'nosigbus region=region' 'nosigbus safe_read=safe_read' 'nosigbus guard=guard' \
      'libwayland=libwayland' 'libsigsegv=libsigsegv' 'overlay of mapping=overlay of mapping' \
      'overlay by page=overlay by page' 'sigsetjmp, mask saved=sigsetjmp, mask saved' 'sigsetjmp, no mask=sigsetjmp, no mask' 'process_vm_readv=process_vm_readv' \
      'pread=pread')"
}
