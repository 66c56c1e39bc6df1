"""The general rules agent by agent, and each agent by the rules that others have shown to be right.

A rule that one agent alone needs tells nothing of the next. So each agent is measured again without
the rules that are right of no other, and without those that are right of one other at most: about
what they would say of it had nobody looked at it, or at one more. That is no blind measure: what is
left was written by those who had seen it, within rules too. It knows no agent, and changes no rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from inspan.model.activity import Doing
from inspan.terminal.rules import Rulebook

if TYPE_CHECKING:
    from tools.bench_play import Snapshot

#: Measures some recordings by a rulebook.
Measure = Callable[[Sequence[Path], Rulebook], list["Snapshot"]]


@dataclass(frozen=True, slots=True)
class Shares:
    """What the goals are about, of some snapshots."""

    snapshots: int
    answered: float
    right: float
    claimed: float
    missed: float

    @property
    def cells(self) -> str:
        """As cells of a table."""
        shares = (self.answered, self.right, self.claimed, self.missed)
        return " | ".join("–" if each < 0 else f"{each:.1f} %" for each in shares)


def shares(every: Sequence[Snapshot]) -> Shares:
    """Of no snapshot of a kind the share is less than nothing."""
    answered = [each for each in every if each.said is not Doing.UNKNOWN]
    busy = [each for each in every if each.known is not Doing.IDLE]
    waiting = [each for each in every if each.known is Doing.WAITING]
    return Shares(
        len(every),
        _share(len(answered), len(every)),
        _share(sum(each.said is each.known for each in answered), len(answered)),
        _share(sum(each.said is Doing.IDLE for each in busy), len(busy)),
        _share(sum(each.said is not Doing.WAITING for each in waiting), len(waiting)),
    )


def _share(part: int, whole: int) -> float:
    return 100 * part / whole if whole else -1.0


def of_each(folders: Sequence[Path], book: Rulebook, measure: Measure) -> Iterator[str]:
    """Both tables and that of the rules, as lines of Markdown."""
    by_agent = _by_agent(folders)
    read = {agent: measure(every, book) for agent, every in by_agent.items()}
    yield "| agent | snapshots | answered | right | idle wrongly | waiting missed |"
    yield "|---|---|---|---|---|---|"
    for agent, every in read.items():
        yield _row(agent, every)
    yield _row("all", [each for every in read.values() for each in every])
    yield ""
    yield "| agent | snapshots | answered | right | idle wrongly | waiting missed | left out |"
    yield "|---|---|---|---|---|---|---|"
    others: list[Snapshot] = []
    for agent, (again, dropped) in _left_out(by_agent, read, book, measure, 1).items():
        others += again
        yield f"{_row(agent, again)} {', '.join(dropped) or '–'} |"
    yield f"{_row('all', others)} |"
    yield ""
    yield from _rules(book, [each for every in read.values() for each in every])


def of_others(
    folders: Sequence[Path], every: Sequence[Snapshot], book: Rulebook, measure: Measure
) -> Iterator[str]:
    """All agents by all rules, as ``every`` tells, and each by those that others need too."""
    by_agent = _by_agent(folders)
    read = {agent: [each for each in every if each.agent == agent] for agent in by_agent}
    yield "| left out of each | snapshots | answered | right | idle wrongly | waiting missed |"
    yield "|---|---|---|---|---|---|"
    yield _row("nothing", every)
    for most, name in ((1, "rules right of no other"), (2, "rules right of one other at most")):
        found = _left_out(by_agent, read, book, measure, most)
        yield _row(name, [each for again, _ in found.values() for each in again])


def _by_agent(folders: Sequence[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for folder in folders:
        found.setdefault(folder.parent.name, []).append(folder)
    return found


def _left_out(
    by_agent: dict[str, list[Path]],
    read: dict[str, list[Snapshot]],
    book: Rulebook,
    measure: Measure,
    most: int,
) -> dict[str, tuple[list[Snapshot], list[str]]]:
    """Each agent without the rules that are right of so many at most, it among them; and these."""
    right = {
        rule.id: frozenset(
            agent for agent, every in read.items() if _fits(every, f"{book.name}/{rule.id}")
        )
        for rule in book.rules
    }
    found = {}
    for agent, every in read.items():
        own = [name for name, agents in right.items() if agent in agents and len(agents) <= most]
        kept = tuple(rule for rule in book.rules if rule.id not in own)
        again = measure(by_agent[agent], replace(book, rules=kept)) if own else every
        found[agent] = (again, own)
    return found


def _fits(every: Sequence[Snapshot], rule: str) -> bool:
    return any(each.rule == rule and each.said is each.known for each in every)


def _row(name: str, every: Sequence[Snapshot]) -> str:
    found = shares(every)
    return f"| {name} | {found.snapshots} | {found.cells} |"


def _rules(book: Rulebook, every: Sequence[Snapshot]) -> Iterator[str]:
    """How often each rule was right and wrong, and of how many agents."""
    told = Counter((each.rule, each.said is each.known, each.agent) for each in every)
    yield "| rule | right | of agents | wrong | of agents |"
    yield "|---|---|---|---|---|"
    for rule in book.rules:
        cells = []
        for was in (True, False):
            found = [
                n
                for (name, so, _), n in told.items()
                if (name, so) == (f"{book.name}/{rule.id}", was)
            ]
            cells += [str(sum(found)), str(len(found))]
        yield f"| {rule.id} | {' | '.join(cells)} |"
