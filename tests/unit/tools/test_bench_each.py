"""The general rules agent by agent: what is counted, and which rules are left out of which one."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from inspan.model.activity import Doing
from inspan.terminal.rulefile import parse
from inspan.terminal.rules import Rulebook
from tools.bench_each import of_each, of_others, shares
from tools.bench_play import Snapshot

pytestmark = pytest.mark.requirement("B4")

BOOK = parse(
    "agent = 'x'\n"
    + "".join(
        f"[[rule]]\nid = '{name}'\nkind = 'idle'\nregion = 'whole'\nall = ['{name}']\n"
        for name in ("both", "one")
    ),
    "x.toml",
)


def snapshot(agent: str, known: Doing, said: Doing, rule: str) -> Snapshot:
    return Snapshot(f"{agent}/r", 0.0, known, "s", said, f"x/{rule}" if rule else "", 0)


def measured(folders: Sequence[Path], book: Rulebook) -> list[Snapshot]:
    """Two moments of each agent: `both` reads the first; `one` reads a's second, and no b's."""
    (folder,) = folders
    agent, rules = folder.parent.name, {rule.id for rule in book.rules}
    one = "one" in rules
    second = ("one" if one else "") if agent == "a" else ""
    return [
        snapshot(agent, Doing.IDLE, Doing.IDLE, "both"),
        snapshot(agent, Doing.IDLE, Doing.IDLE if second else Doing.UNKNOWN, second),
    ]


def test_an_agent_is_measured_again_without_the_rules_that_only_it_needs() -> None:
    lines = list(of_each([Path("a/r"), Path("b/r")], BOOK, measured))
    assert "| a | 2 | 100.0 % | 100.0 % | – | – |" in lines
    assert "| a | 2 | 50.0 % | 100.0 % | – | – | one |" in lines
    assert "| b | 2 | 50.0 % | 100.0 % | – | – | – |" in lines
    assert "| both | 2 | 2 | 0 | 0 |" in lines
    assert "| one | 1 | 1 | 0 | 0 |" in lines


def test_all_are_measured_by_the_rules_that_others_need_too() -> None:
    folders = [Path("a/r"), Path("b/r"), Path("c/r")]
    every = [each for folder in folders for each in measured([folder], BOOK)]
    lines = list(of_others(folders, every, BOOK, measured))
    assert "| nothing | 6 | 66.7 % | 100.0 % | – | – |" in lines
    assert "| rules right of no other | 6 | 50.0 % | 100.0 % | – | – |" in lines
    assert "| rules right of one other at most | 6 | 50.0 % | 100.0 % | – | – |" in lines


def test_shares_are_of_what_they_say() -> None:
    found = shares(
        [
            snapshot("a", Doing.WAITING, Doing.IDLE, "one"),
            snapshot("a", Doing.WORKING, Doing.WORKING, "one"),
            snapshot("a", Doing.IDLE, Doing.UNKNOWN, ""),
        ]
    )
    assert (round(found.answered), round(found.right)) == (67, 50)
    assert (found.claimed, found.missed) == (50.0, 100.0)
