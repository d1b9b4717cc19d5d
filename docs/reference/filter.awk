# SPDX-License-Identifier: MIT
#
# Turns the plain comments of the public headers into Doxygen's, line by line:
#
#   the one on top of a file      /** @file
#   one in front of a declaration /** ... */, and so for each declaration that follows without a blank line
#   one behind a declaration      /**< ... */
#   one with a blank line behind  stays what it is: it is about more than what follows
#
# In them, lines that are set in behind an empty one are code, and a line that begins with "Returns" or with the
# name of a parameter begins a paragraph.

function indent_of(line) { match(line, /^ */); return RLENGTH }

# Characters that mean something to Doxygen.
function plain(text) {
  gsub(/[\\@<>&#%]/, "\\\\&", text)
  return text
}

function text_line(line,   begin, text) {
  match(line, /^ *\/?\*?\*? ?/)
  text = substr(line, RLENGTH + 1)
  begin = substr(line, 1, RLENGTH)
  if (text ~ /^  +[^ ]/ && (in_code || was_empty) || in_code && text == "...") {
    line = begin (in_code ? "" : "@verbatim\n" begin) text
    in_code = 1
  } else {
    if (text ~ /^(Returns|Thread-safe|[a-z_]+(, [a-z_]+)*:) ?/) text = "@par\n" begin plain(text)
    else text = plain(text)
    line = (in_code ? begin "@endverbatim\n" : "") begin text
    in_code = 0
  }
  was_empty = text == ""
  return line
}

# The comment in `comment[1..lines]`, as Doxygen's.
function documentation(   i, out, last) {
  in_code = was_empty = 0
  for (i = 1; i <= lines; ++i) {
    last = comment[i]
    if (i == 1) sub(/\/\*/, "  ", last)
    if (i == lines) sub(/ *\*\/ *$/, "", last)
    if (i == 1) sub(/^ */, "", last)
    out = out (i == 1 ? "/** " plain(last) : "\n" text_line(last))
  }
  return out (in_code ? "\n@endverbatim" : "") " */"
}

function flush_comment(documents) {
  if (lines == 0) return
  if (documents) {
    current = documentation()
    print current
    fresh = 1
  }
  lines = 0
}

FNR == 1 { lines = in_comment = ended = fresh = 0; current = "" }

# Inside of a comment, and its first line.
in_comment || /^ *\/\*/ {
  if (!in_comment) {
    flush_comment(1)
    current = ""
    if (/SPDX-License-Identifier/) { sub(/SPDX-License-Identifier.*/, "@file"); is_file = 1 }
    if (/(NOLINT|clang-format o).*\*\/$/) next
    sub(/(NOLINT|clang-format o).*$/, "")
  }
  in_comment = !/\*\//
  comment[++lines] = $0
  if (is_file && !in_comment) {
    in_code = was_empty = 0
    sub(/\/\* @file/, "/** @file", comment[1])
    print comment[1]
    for (i = 2; i < lines; ++i) print text_line(comment[i])
    print (in_code ? "@endverbatim\n" : "") " */"
    lines = is_file = 0
  }
  next
}

/^ *$/ { flush_comment(0); current = ""; print; next }

{
  flush_comment(1)
  level = indent_of($0)
  if (fresh) {
    base = level
    fresh = 0
  } else if (current != "" && ended && level == base && !/^ *([}#]|public:|private:|protected:)/ ||
             current != "" && ended && /^#define/) {
    print current
  } else if (level < base) {
    current = ""
  }
  ended = /[;},]$/ || /^ *#define.*[^\\]$/
  if (/[;,a-z] +\/\* .*\*\/$/) {
    match($0, /\/\* .*$/)
    $0 = substr($0, 1, RSTART - 1) "/**< " plain(substr($0, RSTART + 3, RLENGTH - 5)) "*/"
    ended = 1
  }
  print
}

END { flush_comment(1) }
