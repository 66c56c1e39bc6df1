"""What the Queen says and hears: lines of JSON on her standard output and input.

The other end is ``agents.own``. A question is open until it is answered or withdrawn; what she
asked and nobody answered is asked again by the process after her.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import anyio

from inspan.agents.json_lines import Lines, parsed, words_of
from inspan.model.agent import Outcome, Usage
from inspan.model.plain import dump

#: How much is read at a time, in bytes.
_PIECE: Final = 1 << 16


class Voice:
    """``write`` takes whole lines; ``hear`` reads answers until its input ends."""

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self._write = write or _printed
        self._answers: dict[str, str] = {}
        self._came: dict[str, anyio.Event] = {}
        self._asked = 0
        self._used: Usage | None = None

    def began(self, goal: str) -> None:
        """She has taken up the goal."""
        self._tell(type="began", goal=goal)

    def say(self, text: str) -> None:
        """A line for whoever follows."""
        self._tell(type="said", text=text)

    def warn(self, text: str) -> None:
        """Something is amiss, and she goes on."""
        self._tell(type="warned", text=text)

    def step(self, name: str, *, why: str = "", hint: str = "", commit: str = "") -> None:
        """What became of a step: merged as ``commit``, done with nothing to merge, or why not."""
        self._tell(type="step", step=name, why=why, hint=hint, commit=commit, at=time.time())

    def used(self, usage: Usage) -> None:
        """What all tasks of the goal have used so far."""
        if usage != self._used:
            self._used = usage
            told = {name: getattr(usage, name) for name in ("read", "cached", "written", "turns")}
            self._tell(type="used", cost=usage.cost, **told)

    def ended(self, outcome: Outcome) -> None:
        """How it ended: her last words."""
        self._tell(type="ended", **dump(outcome))

    async def ask(self, question: str, options: Sequence[str] = (), *, about: str = "") -> str:
        """What a person answers; withdrawn where it is waited for no more.

        ``about``: the step that it is about, by its name.
        """
        self._asked += 1
        request = f"q{self._asked}"
        came = self._came[request] = anyio.Event()
        asked = {"question": question, "options": list(options), "about": about}
        self._tell(type="asks", request=request, **asked)
        try:
            await came.wait()
            return self._answers.pop(request)
        except BaseException:
            self._tell(type="withdrawn", request=request)
            raise
        finally:
            del self._came[request]

    def heard(self, line: bytes) -> None:
        """A line that came in."""
        told = parsed(line)
        request = words_of(told, "request")
        if request in self._came:
            self._answers[request] = words_of(told, "text")
            self._came[request].set()

    async def listen(self, fd: int = 0) -> None:
        """Hear what comes in by ``fd``, a pipe, until it ends.

        Not in a thread: one that waits for a line would keep the program from ending.
        """
        lines = Lines()
        while True:
            await anyio.wait_readable(fd)
            data = os.read(fd, _PIECE)
            if not data:
                return
            for line in lines.feed(data):
                self.heard(line)

    def _tell(self, **told: Any) -> None:
        self._write(json.dumps(told) + "\n")


def _printed(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()
