"""Measures the screen rules against what is known: `python -m tools.bench_state [--write]`.

A snapshot is one moment of a labelled recording, one for each second of a label. What the engine
would show at it, by the terminal alone, is compared with the label. The agents of ``HELD_OUT`` have
no rules of their own, and none was written by looking at them; of the others, which are of the
development, the general rules are measured too, with the agent's own ones left out. Where no agent
is held out it says so, and tells nothing of agents that are new. It knows no agent, and changes no
rule.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Final

from inspan.model.activity import Activity, Doing
from inspan.model.session import Ended, Output, Resized
from inspan.providers.screenrules import GENERIC, names, rulebook
from inspan.terminal.playback import Playback
from inspan.terminal.replay import COLUMNS, ROWS, Replay
from inspan.terminal.rules import Rulebook
from inspan.terminal.screen import Backend, Screen, backend
from tools.bench_each import of_each, of_others

ROOT: Final = Path(__file__).parent.parent
GOLDEN: Final = ROOT / "tests" / "golden"
#: Where recordings lie: FOLDER/AGENT/NAME, each with a labels.json.
FOLDERS: Final = (GOLDEN / "screens", GOLDEN / "corpus")
PAGE: Final = ROOT / "docs" / "state-detection.md"
BEGIN, END = "<!-- bench-state: begin -->\n", "<!-- bench-state: end -->\n"
#: Nobody who writes rules has looked at these; who is taken out of here is of the development.
HELD_OUT: Final[frozenset[str]] = frozenset({"ite", "postal"})
STATES: Final = (Doing.WORKING, Doing.WAITING, Doing.IDLE)
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
#: How many kinds of misreading are listed.
LISTED: Final = 12


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


@dataclass
class Measured:
    """All snapshots of some recordings under some rules."""

    title: str
    snapshots: list[Snapshot] = field(default_factory=list)

    def of(self, known: Doing) -> list[Snapshot]:
        return [each for each in self.snapshots if each.known is known]


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


def measure(every: Iterable[Path], emulator: Backend) -> list[Measured]:
    """The held-out agents, the others under the general rules, and those under their own."""
    general = rulebook(GENERIC)
    held = Measured("Held out: general rules, written without a look at these agents")
    apart = Measured("Development: general rules, the agents' own left out")
    own = Measured("Development: each agent's own rules")
    for folder in every:
        agent = folder.parent.name
        part = held if agent in HELD_OUT else apart
        part.snapshots.extend(snapshots(folder, general, emulator))
        if agent in names():
            own.snapshots.extend(snapshots(folder, rulebook(agent), emulator))
    return [held, apart, own]


def _all_of(every: Iterable[Path], book: Rulebook) -> list[Snapshot]:
    """Every snapshot of some recordings, by one rulebook."""
    emulator = backend()
    return [each for folder in every for each in snapshots(folder, book, emulator)]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def page(measured: Sequence[Measured], others: Sequence[str] = ()) -> str:
    """All of it as Markdown; ``others``: the table of what the rules of others say."""
    parts = [line for each in measured if each.snapshots for line in _part(each)]
    if not HELD_OUT:
        parts = [
            "**Held out: none.** Every agent that is recorded is of the development.",
            "",
            *parts,
        ]
    if others:
        title = "**The general rules, without those that other agents do not need.** All agents."
        parts += [title, "", *others, ""]
    return "\n".join([*_covered(measured), "", *parts])


def _covered(measured: Sequence[Measured]) -> Iterator[str]:
    """How many snapshots there are of each agent in each situation."""
    every = {(each.recording, each.at): each for part in measured for each in part.snapshots}
    counted = Counter((each.agent, each.found_in) for each in every.values())
    agents = sorted({agent for agent, _ in counted})
    full = sum(all(counted[agent, each] for agent in agents) for each in SITUATIONS)
    yield f"**Covered.** Snapshots of {len(agents)} agents; {full} of {len(SITUATIONS)} situations"
    yield "are recorded of every one."
    yield ""
    yield f"| agent | {' | '.join(SITUATIONS)} |"
    yield "|---" * (len(SITUATIONS) + 1) + "|"
    for agent in agents:
        cells = " | ".join(str(counted[agent, each] or "–") for each in SITUATIONS)
        yield f"| {agent} | {cells} |"
    having = (len({agent for agent in agents if counted[agent, each]}) for each in SITUATIONS)
    yield f"| agents | {' | '.join(map(str, having))} |"


def _part(measured: Measured) -> Iterator[str]:
    every = measured.snapshots
    count = len({each.recording for each in every})
    agents = sorted({each.agent for each in every})
    yield f"**{measured.title}.** {len(every)} snapshots of {count} recordings of"
    yield f"{', '.join(agents)}."
    yield ""
    yield from _matrix(measured)
    yield ""
    yield from _figures(measured)
    yield ""
    yield from _misread(measured)


def _matrix(measured: Measured) -> Iterator[str]:
    said = (*STATES, Doing.UNKNOWN)
    yield f"| it was | snapshots | screens | {' | '.join(f'said {each}' for each in said)} |"
    yield "|---|---" + "|---" * (len(said) + 1) + "|"
    for known in STATES:
        row = measured.of(known)
        told = Counter(each.said for each in row)
        screens = len({(each.agent, each.shown) for each in row})
        cells = " | ".join(str(told[each]) for each in said)
        yield f"| {known} | {len(row)} | {screens} | {cells} |"


def _figures(measured: Measured) -> Iterator[str]:
    every = measured.snapshots
    answered = [each for each in every if each.said is not Doing.UNKNOWN]
    right = sum(each.said is each.known for each in answered)
    busy = [each for each in every if each.known is not Doing.IDLE]
    claimed = sum(each.said is Doing.IDLE for each in busy)
    waiting = measured.of(Doing.WAITING)
    missed = sum(each.said is not Doing.WAITING for each in waiting)
    yield f"Answered {_share(len(answered), len(every))}, right where answered"
    yield f"{_share(right, len(answered))}, idle claimed wrongly {_share(claimed, len(busy))},"
    yield f"waiting missed {_share(missed, len(waiting))}."


def _misread(measured: Measured) -> Iterator[str]:
    kinds = Counter(
        (each.agent, each.situation, each.known, each.said, each.rule)
        for each in measured.snapshots
        if each.said is not each.known
    )
    if not kinds:
        return
    yield "| agent | situation | it was | said | by rule | snapshots |"
    yield "|---|---|---|---|---|---|"
    for (agent, situation, known, said, rule), count in kinds.most_common(LISTED):
        yield f"| {agent} | {situation} | {known} | {said} | {rule or 'none'} | {count} |"
    yield ""


def main() -> int:
    """1 where there is nothing to measure."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench_state", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put it into the document too")
    parser.add_argument("--all", action="store_true", help="print every snapshot misread")
    parser.add_argument("--development", action="store_true", help="leave held-out agents alone")
    parser.add_argument("--only", default="", help="recordings whose AGENT/NAME has this in it")
    parser.add_argument("--each", action="store_true", help="agent by agent, and rule by rule")
    args = parser.parse_args()
    chosen = [
        each
        for each in recordings()
        if args.only in f"{each.parent.name}/{each.name}"
        and not (args.development and each.parent.name in HELD_OUT)
    ]
    if not chosen:
        print("there is no such recording", file=sys.stderr)
        return 1
    if args.each:
        print("\n".join(of_each(chosen, rulebook(GENERIC), _all_of)))
        return 0
    measured = measure(chosen, backend())
    general = [each for part in measured[:2] for each in part.snapshots]
    text = page(measured, list(of_others(chosen, general, rulebook(GENERIC), _all_of)))
    print(text)
    for each in (item for part in measured for item in part.snapshots if args.all):
        if each.said is not each.known:
            print(f"{each.recording} {each.at:.1f} {each.known}: {each.said} by {each.rule}")
    if args.write:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}{text}\n{END}{after}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
