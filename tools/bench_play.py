"""Plays labelled recordings by a rulebook, and keeps what was said at each moment of a label.

A snapshot is one moment of a labelled recording, one for each second of a label. A recording is
played again and again, by other rules; where those that are left out never fitted, it would be
played as before, and is not. It knows no agent, and judges nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Final

from inspan.model.activity import Activity, Doing
from inspan.model.session import Ended, Output, Resized
from inspan.terminal.playback import Playback
from inspan.terminal.replay import COLUMNS, ROWS, Replay
from inspan.terminal.rules import Rulebook
from inspan.terminal.screen import Backend, Screen
from tools.bench_known import Known

ROOT: Final = Path(__file__).parent.parent
GOLDEN: Final = ROOT / "tests" / "golden"
#: Where recordings lie: FOLDER/AGENT/NAME, each with a labels.json.
FOLDERS: Final = (GOLDEN / "screens", GOLDEN / "corpus")
#: Seconds between two snapshots of one label; the first is half of that after its beginning.
EVERY: Final = 1.0
#: What a person finds an agent in. Labels that are not listed are of the situation of their state.
SITUATIONS: Final = ("working", "permission", "question", "idle", "error", "login")
_SITUATIONS: Final = {
    (Doing.WAITING, "edit"): "permission",
    (Doing.WAITING, "permission"): "permission",
    (Doing.WAITING, "trust"): "permission",
    (Doing.WAITING, "question"): "question",
    (Doing.WAITING, "login"): "login",
    (Doing.IDLE, "error"): "error",
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment: what it did, what was said, by which rule, and what was shown (its hash)."""

    recording: str
    at: float
    known: Doing
    situation: str
    said: Doing
    rule: str
    shown: int

    @property
    def agent(self) -> str:
        return self.recording.partition("/")[0]

    @property
    def found_in(self) -> str:
        """Which of ``SITUATIONS`` a person finds it in."""
        return _SITUATIONS.get((self.known, self.situation), self.known.value)


def recordings() -> list[Path]:
    """Every labelled recording, in the order of their names."""
    return sorted(path.parent for folder in FOLDERS for path in folder.glob("*/*/labels.json"))


def snapshots(folder: Path, book: Rulebook, emulator: Backend) -> Iterator[Snapshot]:
    """Of one recording under one rulebook."""
    agent = folder.parent.name
    labels = json.loads((folder / "labels.json").read_text("utf-8"))["labels"]
    wanted = [
        (start + EVERY * (step + 0.5), Doing(doing), situation or folder.name)
        for start, end, word in labels
        for doing, _, situation in [word.partition("/")]
        for step in range(round((end - start) / EVERY))
    ]
    spans = list(_spans(folder, book, emulator))
    shown = _shown(folder, [each[0] for each in wanted], emulator)
    for (at, known, situation), screen in zip(wanted, shown, strict=True):
        said = next((told for start, told, until in spans if start <= at < until), None)
        yield Snapshot(
            f"{agent}/{folder.name}",
            at,
            known,
            situation,
            said.doing if said else Doing.UNKNOWN,
            said.rule if said else "",
            screen,
        )


def _spans(
    folder: Path, book: Rulebook, emulator: Backend
) -> Iterator[tuple[float, Activity, float]]:
    playback = Playback(folder)
    replay = Replay(playback, (book,), emulator)
    told = [(replay.now, activity) for activity in replay.activities()]
    replay.look.close()
    began = playback.began or 0.0
    for (at, activity), (until, _) in pairwise([*told, (inf, None)]):
        assert activity is not None
        yield at - began, activity, until - began


def _shown(folder: Path, moments: Sequence[float], emulator: Backend) -> list[int]:
    """A hash of the screen at each moment; the moments are in order."""
    playback = Playback(folder)
    screen = Screen(COLUMNS, ROWS, emulator)
    found: list[int] = []
    began = playback.began or 0.0
    for moment in playback.timeline():
        while len(found) < len(moments) and began + moments[len(found)] <= moment.at:
            found.append(hash(screen.rows()))
        if isinstance(moment.what, Output):
            screen.feed(moment.what.data)
        elif isinstance(moment.what, Resized):
            screen.resize(moment.what.cols, moment.what.rows)
        elif isinstance(moment.what, Ended):
            break
    found += [hash(screen.rows())] * (len(moments) - len(found))
    screen.close()
    return found


@dataclass(frozen=True, slots=True)
class _Played:
    """A recording by some rules: which there were, which of them fitted ever, and what was said."""

    rules: frozenset[str]
    fitted: frozenset[str]
    snapshots: list[Snapshot]


@dataclass
class Player:
    """Plays recordings, and knows those that it has played: a rule is known by its name."""

    emulator: Backend
    _known: Known = field(default_factory=Known)
    _played: dict[tuple[Path, str], list[_Played]] = field(default_factory=dict)

    def every(self, folders: Sequence[Path], book: Rulebook) -> list[Snapshot]:
        """Every snapshot of some recordings, by one rulebook."""
        return [each for folder in folders for each in self.snapshots(folder, book)]

    def snapshots(self, folder: Path, book: Rulebook) -> list[Snapshot]:
        """Of one recording under one rulebook."""
        rules = frozenset(rule.id for rule in book.rules)
        played = self._played.setdefault((folder, book.name), [])
        for before in played:
            if before.fitted <= rules <= before.rules:
                return before.snapshots
        found = list(snapshots(folder, self._known.book(book), self.emulator))
        played.append(_Played(rules, self._known.forget(), found))
        return found
