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
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from inspan.model.activity import Doing
from inspan.providers.screenrules import GENERIC, names, rulebook
from inspan.terminal.screen import backend
from tools.bench_each import of_each, of_others
from tools.bench_play import SITUATIONS, Player, Snapshot, recordings

PAGE: Final = Path(__file__).parent.parent / "docs" / "state-detection.md"
BEGIN, END = "<!-- bench-state: begin -->\n", "<!-- bench-state: end -->\n"
#: Nobody who writes rules has looked at these; who is taken out of here is of the development.
HELD_OUT: Final[frozenset[str]] = frozenset({"hubble", "jasmine", "joshu", "retie"})
STATES: Final = (Doing.WORKING, Doing.WAITING, Doing.IDLE)
#: How many kinds of misreading are listed.
LISTED: Final = 12


@dataclass
class Measured:
    """All snapshots of some recordings under some rules."""

    title: str
    snapshots: list[Snapshot] = field(default_factory=list)

    def of(self, known: Doing) -> list[Snapshot]:
        return [each for each in self.snapshots if each.known is known]


def measure(every: Iterable[Path], player: Player) -> list[Measured]:
    """The held-out agents, the others under the general rules, and those under their own."""
    general = rulebook(GENERIC)
    held = Measured("Held out: general rules, written without a look at these agents")
    apart = Measured("Development: general rules, the agents' own left out")
    own = Measured("Development: each agent's own rules")
    for folder in every:
        agent = folder.parent.name
        part = held if agent in HELD_OUT else apart
        part.snapshots.extend(player.snapshots(folder, general))
        if agent in names():
            own.snapshots.extend(player.snapshots(folder, rulebook(agent)))
    return [held, apart, own]


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
    player = Player(backend())
    if args.each:
        print("\n".join(of_each(chosen, rulebook(GENERIC), player.every)))
        return 0
    measured = measure(chosen, player)
    general = [each for part in measured[:2] for each in part.snapshots]
    text = page(measured, list(of_others(chosen, general, rulebook(GENERIC), player.every)))
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
