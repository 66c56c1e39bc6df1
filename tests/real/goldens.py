"""The golden transcripts of real agents (tests/golden/agents), as a test reads them.

A transcript is what one process said and was told, in their order: ``stdin_lines_after`` has, for
each line that it was sent, how many lines it had said before.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspan.agents.dialect import Talk
from inspan.agents.signs import Sign
from inspan.model.agent import Outcome
from inspan.model.task import Exit

ROOT = Path(__file__).parents[1] / "golden" / "agents"


@dataclass(frozen=True)
class Golden:
    """One transcript."""

    folder: Path

    @property
    def meta(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.folder / "meta.json").read_text())
        return told

    @property
    def exit(self) -> Exit:
        name = self.meta["signal"]
        return Exit(signal=signal.Signals[name]) if name else Exit(code=self.meta["exit"])

    @property
    def resumed(self) -> str | None:
        """The agent's session that it was to take up."""
        words = {"--resume", "resume", "--session"} & set(self.meta["argv"])
        requests = (b'"thread/resume"', b'"session/load"')
        asked = any(request in line for line in self.lines("stdin") for request in requests)
        return (self.meta["session"] or "a-1") if words or asked else None

    def lines(self, name: str) -> list[bytes]:
        path = self.folder / name
        return path.read_bytes().splitlines() if path.exists() else []

    def turns(self) -> Iterator[tuple[str, bytes]]:
        """``("in", line)`` for what it was sent and ``("out", line)`` for what it said."""
        sent, said = self.lines("stdin"), self.lines("stdout")
        after = self.meta.get("stdin_lines_after") or [0] * len(sent)
        waiting = list(zip(after, sent, strict=True))
        for number, line in enumerate(said):
            while waiting and waiting[0][0] <= number:
                yield "in", waiting.pop(0)[1]
            yield "out", line
        for _, line in waiting:
            yield "in", line

    def told(self, talk: Talk, *, stopped: bool = False) -> tuple[list[Sign], Outcome]:
        """What ``talk`` makes of it."""
        signs: list[Sign] = []
        for way, line in self.turns():
            if way == "in":
                talk.sent(line)
            else:
                signs += talk.heard(line)
        complaint = b"\n".join(self.lines("stderr")).decode(errors="replace")
        return signs, talk.outcome(self.exit, stopped=stopped, complaint=complaint)


def golden(agent: str, mode: str, scenario: str) -> Golden:
    """The transcript of one agent in one mode through one scenario."""
    return Golden(ROOT / agent / mode / scenario)


def scenarios(agent: str, mode: str) -> list[str]:
    """Those that were recorded."""
    return sorted(path.name for path in (ROOT / agent / mode).iterdir())
