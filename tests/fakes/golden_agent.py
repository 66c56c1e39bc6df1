"""An agent's program that plays a golden transcript: ``golden_agent.py FOLDER [PAUSE]``.

It says what the real program said and waits for a line wherever the real one was sent one, then
for the end of its input, and ends as the real one did. What it is sent is kept in ``heard``, in
its working folder. With ``PAUSE``, the name of a file, it waits for that file before its last line.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path


def main(folder: Path, pause: Path | None) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    said = (folder / "stdout").read_bytes().splitlines(keepends=True)
    after = [
        number
        for number, line in zip(
            meta["stdin_lines_after"], (folder / "stdin").read_bytes().splitlines(), strict=True
        )
        if b'"subtype":"initialize"' not in line
    ]
    with Path("heard").open("ab") as heard:
        for number, line in enumerate(said):
            while after and after[0] <= number:
                after.pop(0)
                heard.write(sys.stdin.buffer.readline())
                heard.flush()
            while pause is not None and number == len(said) - 1 and not pause.exists():
                time.sleep(0.01)
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        heard.write(sys.stdin.buffer.read())
    sys.stderr.write((folder / "stderr").read_text())
    sys.stderr.flush()
    if meta["signal"]:
        os.kill(os.getpid(), signal.Signals[meta["signal"]])
        signal.pause()
    sys.exit(meta["exit"])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
