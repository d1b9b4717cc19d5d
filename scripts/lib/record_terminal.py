#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""record_terminal.py FILE.svg COMMAND...

Types the commands to an interactive shell on a terminal of its own, and draws what that shows, line by line, as they
came. Viewers that know no CSS animation show all lines.
"""
import html
import os
import pty
import re
import select
import sys
import time

COLUMNS = 84
PROMPT = "$ "
QUIET_PROMPT = "\x01READY\x02 "  # what no program writes
PATIENCE = 30  # seconds for a command

CHARACTER, LINE, FONT = 8.4, 18, 14  # pixels
COLORS = {1: "#ff6b68", 2: "#7ee787", 3: "#e3b341"}
FOREGROUND, BACKGROUND, BAR, BOLD = "#d0d7de", "#0d1117", "#30363d", "#ffffff"


def read_until_prompt(terminal):
    text, deadline = "", time.monotonic() + PATIENCE
    while not text.endswith(QUIET_PROMPT):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            sys.exit(f"no prompt within {PATIENCE} s, but: {text!r}")
        text += os.read(terminal, 65536).decode(errors="replace")
    return text[: -len(QUIET_PROMPT)]


def record(commands):
    """What each command showed."""
    child, terminal = pty.fork()
    if child == 0:
        environment = dict(os.environ, TERM="xterm", PS1=QUIET_PROMPT, COLUMNS=str(COLUMNS), LC_ALL="C.UTF-8")
        environment.pop("NO_COLOR", None)
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"], environment)
    read_until_prompt(terminal)
    os.write(terminal, b"stty -echo; ulimit -c 0\n")
    read_until_prompt(terminal)
    outputs = []
    for command in commands:
        os.write(terminal, command.encode() + b"\n")
        outputs.append(read_until_prompt(terminal).replace("\r\n", "\n"))
    os.write(terminal, b"exit\n")
    os.close(terminal)
    os.waitpid(child, 0)
    return outputs


def cells(text):
    """Lines of (character, color, bold); of the escape sequences, those of colours alone are known."""
    lines, line, color, bold = [], [], None, False
    for part in re.split(r"(\x1b\[[0-9;]*m|\n)", text):
        sequence = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if sequence:
            for code in (int(each or 0) for each in sequence[1].split(";")):
                if code == 0:
                    color, bold = None, False
                elif code == 1:
                    bold = True
                elif 30 <= code <= 37:
                    color = code - 30
        elif part == "\n":
            lines.append(line)
            line = []
        else:
            for character in part:
                if len(line) == COLUMNS:
                    lines.append(line)
                    line = []
                line.append((character, color, bold))
    return lines + [line] if line else lines


def spans(line):
    """Runs of one look, as tspan elements."""
    out, run, look = [], "", None

    def close():
        if not run:
            return
        color, bold = look
        fill = COLORS.get(color, BOLD if bold else FOREGROUND)
        weight = ' font-weight="bold"' if bold else ""
        out.append(f'<tspan fill="{fill}"{weight}>{html.escape(run, quote=False)}</tspan>')

    for character, color, bold in line:
        if (color, bold) != look:
            close()
            run, look = "", (color, bold)
        run += character
    close()
    return "".join(out)


def script(commands, outputs):
    """Lines, and the second at which each appears."""
    when, lines = 0.5, []
    for command, output in zip(commands, outputs):
        prompt = [(each, 2, False) for each in PROMPT]
        shown = cells(command)
        lines.append((when, prompt + [(each, None, True) for each, _, _ in shown[0]]))
        lines += [(when, [(each, None, True) for each, _, _ in line]) for line in shown[1:]]
        when += 1.0
        result = cells(output)
        for line in result:
            lines.append((when, line))
            when += 0.06
        lines.append((when, []))
        # Time to read it.
        when += 1.5 + 0.15 * len(result)
    return lines[:-1]


def svg(lines, title):
    width = round(COLUMNS * CHARACTER + 32)
    height = len(lines) * LINE + 56
    texts = []
    for row, (when, line) in enumerate(lines):
        if line:
            y = 48 + row * LINE
            texts.append(f'<text x="16" y="{y}" xml:space="preserve" style="animation-delay:{when:.2f}s">{spans(line)}</text>')
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img">',
            f"<title>{html.escape(title)}</title>",
            "<style>",
            f"text {{ font: {FONT}px 'DejaVu Sans Mono', Menlo, Consolas, monospace;",
            "  animation: appear 0.01s both }",
            "@keyframes appear { from { opacity: 0 } }",
            "@media (prefers-reduced-motion: reduce) { text { animation: none } }",
            "</style>",
            f'<rect width="{width}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
            f'<path d="M0 8a8 8 0 0 1 8-8h{width - 16}a8 8 0 0 1 8 8v16h-{width}z" fill="{BAR}"/>',
            *(f'<circle cx="{16 + 16 * i}" cy="12" r="5" fill="{fill}"/>' for i, fill in enumerate(COLORS.values())),
            *texts,
            "</svg>",
            "",
        ]
    )


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    target, commands = sys.argv[1], sys.argv[2:]
    picture = svg(script(commands, record(commands)), "; ".join(commands))
    with open(target, "w", encoding="utf-8") as file:
        file.write(picture)


if __name__ == "__main__":
    main()
