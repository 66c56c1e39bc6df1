"""A program that draws all the time on its terminal, until it is ended; it answers each key.

    python busy_terminal.py lines|status|screen NAME [SECONDS]

``lines`` prints coloured lines, as a build does; ``status`` lines with a line below them that it
draws again and again, as agents do; ``screen`` draws all of the alternate screen. Between two
drawings are SECONDS.
"""

from __future__ import annotations

import itertools
import os
import select
import shutil
import sys
import time
import tty

KINDS = ("lines", "status", "screen")
_SPIN = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def drawn(kind: str, name: str, number: int) -> str:
    """What it draws as the ``number``th."""
    line = f"\x1b[3{number % 7 + 1}m{name}\x1b[0m line {number} " + "of what it does " * 3
    if kind == "lines":
        return f"{line}\r\n"
    spin = f"\x1b[36m{_SPIN[number % len(_SPIN)]}\x1b[0m \x1b[2mworking, step {number}\x1b[0m"
    if kind == "status":
        above = f"{line}\r\n" if number % 10 == 0 else ""
        return f"\r\x1b[K{above}{spin}"
    cols, rows = shutil.get_terminal_size()
    bars = (f"\x1b[{row};1H\x1b[K{_bar(number, row, cols)}" for row in range(3, rows))
    return f"\x1b[?2026h\x1b[H\x1b[K{line[: cols + 5]}\x1b[0m{''.join(bars)}\x1b[?2026l"


def _bar(number: int, row: int, cols: int) -> str:
    long = (number * (row % 5 + 1) + row * 7) % max(1, cols - 16)
    return f"\x1b[38;5;{16 + row * 5 % 200}m{row:4} {'█' * long}\x1b[0m"


def main() -> None:
    kind, name, *rest = sys.argv[1:]
    pause = float(rest[0]) if rest else 0.05
    if os.isatty(0):
        tty.setcbreak(0)
    if kind == "screen":
        os.write(1, b"\x1b[?1049h\x1b[?25l")
    heard = 0
    for number in itertools.count(1):
        os.write(1, drawn(kind, name, number).encode())
        next_at = time.monotonic() + pause
        while (left := next_at - time.monotonic()) > 0:
            if select.select([0], [], [], left)[0] and (typed := os.read(0, 4096)):
                heard += len(typed)
                place = "\x1b[2;1H\x1b[K" if kind == "screen" else "\r\x1b[K"
                after = "" if kind == "screen" else "\r\n"
                os.write(1, f"{place}heard {heard} keys{after}".encode())


if __name__ == "__main__":
    main()
