"""A program with an input line, as agents on a terminal have: ``typed_agent.py HOW``.

It takes bracketed pastes, shows what it is given behind a sign, and on Enter works until there is a
file ``go`` in its working folder. What it was given is kept in ``heard``, a line of JSON each. HOW:

``well``    as that
``plain``   it takes no pastes
``dies``    it ends when it is typed into
``late``    as ``turns``; until there is a file ``begin`` it shows an empty input line, and throws
            away what is typed
``turns``   its last argument is its first prompt; its first turn lasts until there is a file
            ``go-1``, and so on; a Ctrl-D ends it
"""

from __future__ import annotations

import json
import os
import sys
import termios
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


def work(prompt: str, go: str) -> None:
    with Path("heard").open("a") as heard:
        heard.write(json.dumps(prompt) + "\n")
    draw("", busy=True)
    while not Path(go).exists():
        time.sleep(0.01)
    draw("", busy=False)


def main(how: str, first: str) -> None:
    tty.setraw(0)
    turn = 1
    if how != "plain":
        os.write(1, b"\x1b[?2004h")
    line = ""
    if how == "turns":
        work(first, "go-1")
    elif how == "late":
        draw(line, busy=False)
        while not Path("begin").exists():
            time.sleep(0.01)
        termios.tcflush(0, termios.TCIFLUSH)
        work(first, "go-1")
    else:
        draw(line, busy=False)
    while data := os.read(0, 1 << 16):
        if how == "dies" or data == b"\x04":
            return
        while BEGIN in data and END not in data:
            data += os.read(0, 1 << 16)
        pasted = data.replace(BEGIN, b"").replace(END, b"").decode()
        if pasted != "\r":
            line += pasted.replace("\r", "\n")
            draw(line, busy=False)
        else:
            turn += 1
            work(line, f"go-{turn}" if how in ("late", "turns") else "go")
            line = ""


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[-1])
