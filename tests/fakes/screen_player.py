"""A program that shows what an agent showed: ``screen_player.py FOLDER AT=KEYS ...``.

It prints a recorded screen (tests/golden/screens), faster than it was, and at each ``AT`` (seconds
from its beginning) it waits until ``KEYS`` were typed, written as a literal of Python. What is
typed otherwise, such as a terminal's answers, it passes over. At the last it ends.
"""

from __future__ import annotations

import ast
import os
import sys
import time
import tty
from pathlib import Path

from inspan.model.session import Output
from inspan.terminal.playback import Playback

#: Seconds between two writes at most.
_PACE = 0.02


def main(folder: Path, stops: list[tuple[float, bytes]]) -> None:
    tty.setraw(0)
    playback = Playback(folder)
    began = last = playback.began or 0.0
    for moment in playback.timeline():
        while stops and moment.at - began > stops[0][0]:
            _wait(stops.pop(0)[1])
            if not stops:
                return
        time.sleep(min(_PACE, max(0.0, moment.at - last)))
        last = moment.at
        if isinstance(moment.what, Output):
            os.write(1, moment.what.data)
    for _, keys in stops:
        _wait(keys)


def _wait(keys: bytes) -> None:
    typed = b""
    while keys not in typed:
        typed += os.read(0, 1024)


if __name__ == "__main__":
    pairs = (stop.split("=", 1) for stop in sys.argv[2:])
    main(Path(sys.argv[1]), [(float(at), ast.literal_eval(keys)) for at, keys in pairs])
