"""A program with an input line, as agents on a terminal have: ``typed_agent.py HOW``.

It takes bracketed pastes, shows what it is given behind a sign, and on Enter works until there is a
file ``go`` in its working folder. What it was given is kept in ``heard``, a line of JSON each. HOW:

``well``    as that
``plain``   it takes no pastes
``dies``    it ends when it is typed into
"""

from __future__ import annotations

import json
import os
import sys
import time
import tty
from pathlib import Path

BEGIN, END = b"\x1b[200~", b"\x1b[201~"


def draw(line: str, *, busy: bool) -> None:
    title = "⠂ at work" if busy else "✳ at rest"
    rule = "─" * 40
    shown = line if "\n" not in line else f"[Pasted text #1 +{line.count(chr(10))} lines]"
    screen = f"\x1b[2J\x1b[1;1H{rule}\x1b[3;1H{rule}\x1b[2;1H❯ {shown}"
    os.write(1, f"\x1b]0;{title}\x07{screen}".encode())


def main(how: str) -> None:
    tty.setraw(0)
    if how != "plain":
        os.write(1, b"\x1b[?2004h")
    line = ""
    draw(line, busy=False)
    while data := os.read(0, 1 << 16):
        if how == "dies":
            return
        while BEGIN in data and END not in data:
            data += os.read(0, 1 << 16)
        pasted = data.replace(BEGIN, b"").replace(END, b"").decode()
        if pasted != "\r":
            line += pasted.replace("\r", "\n")
            draw(line, busy=False)
        else:
            with Path("heard").open("a") as heard:
                heard.write(json.dumps(line) + "\n")
            line = ""
            draw(line, busy=True)
            while not Path("go").exists():
                time.sleep(0.01)
            draw(line, busy=False)


if __name__ == "__main__":
    main(sys.argv[1])
