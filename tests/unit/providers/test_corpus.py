"""What the general rules say of some of the recorded corpus; `make bench-state` measures it whole.

Of agents that are held out nothing is expected here: what is expected of one is known of it.
"""

import json

import pytest

from inspan.model.activity import Doing
from inspan.providers.screenrules import GENERIC, names, rulebook
from inspan.terminal.screen import backend
from tools import bench_state
from tools.bench_play import SITUATIONS, Snapshot, recordings, snapshots
from tools.bench_state import HELD_OUT, Measured, page

pytestmark = pytest.mark.requirement("B4")

SAMPLE = (
    *("claude/asks-60x24", "codex/work-60x24", "gemini/asks-80x24", "pi/work-60x24"),
    *("cline/asks-80x24", "gptme/asks-80x24", "kimi/asks-60x24"),
)


@pytest.mark.parametrize("name", SAMPLE)
def test_the_general_rules_read_agents_that_have_their_own(name: str) -> None:
    (folder,) = (each for each in recordings() if f"{each.parent.name}/{each.name}" == name)
    found = list(snapshots(folder, rulebook(GENERIC), backend()))
    assert {each.known for each in found} >= {Doing.WORKING, Doing.IDLE}
    assert [each for each in found if each.said not in (each.known, Doing.UNKNOWN)] == []
    assert all(each.rule.startswith("generic/") for each in found if each.said != Doing.UNKNOWN)


@pytest.mark.skipif(not HELD_OUT, reason="no agent is held out at present")
def test_no_agent_that_is_held_out_is_in_the_sample_or_has_rules() -> None:
    assert not HELD_OUT & {name.partition("/")[0] for name in SAMPLE}
    assert not HELD_OUT & {*names()}


def test_figures_are_counted_from_snapshots() -> None:
    measured = Measured("Some.")
    for at, (known, said) in enumerate(
        [
            (Doing.WORKING, Doing.WORKING),
            (Doing.WORKING, Doing.IDLE),
            (Doing.WAITING, Doing.UNKNOWN),
            (Doing.WAITING, Doing.WAITING),
            (Doing.IDLE, Doing.IDLE),
        ]
    ):
        measured.snapshots.append(Snapshot("a/b", at, known, "s", said, "generic/x", at))
    text = page([measured])
    assert "| working | 2 | 2 | 1 | 0 | 1 | 0 |" in text
    assert "| waiting | 2 | 2 | 0 | 1 | 0 | 1 |" in text
    words = " ".join(text.split())
    assert "Answered 80.0 %, right where answered 75.0 %, idle claimed wrongly 25.0 %" in words
    assert "waiting missed 50.0 %" in words
    assert "| a | s | working | idle | generic/x | 1 |" in text
    assert "| a | 2 | – | – | 1 | – | – |" in text


def test_whether_any_agent_is_held_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for held, said in ((frozenset(), True), (frozenset({"a"}), False)):
        monkeypatch.setattr(bench_state, "HELD_OUT", held)
        assert ("**Held out: none.**" in page([])) is said


def test_an_agent_is_found_in_six_situations() -> None:
    found = [
        Snapshot("a/b", 0.0, known, situation, known, "", 0).found_in
        for known, situation in (
            (Doing.WORKING, "permission"),
            (Doing.WAITING, "edit"),
            (Doing.WAITING, "question"),
            (Doing.IDLE, "finished"),
            (Doing.IDLE, "error"),
            (Doing.WAITING, "login"),
        )
    ]
    assert found == ["working", "permission", "question", "idle", "error", "login"]
    assert {each.found_in for each in _recorded()} <= {*SITUATIONS}


def _recorded() -> list[Snapshot]:
    """One snapshot of each label of what the rules were written with, as nobody judged it."""
    return [
        Snapshot(folder.name, start, Doing(doing), situation or folder.name, Doing(doing), "", 0)
        for folder in recordings()
        if folder.parent.name not in HELD_OUT
        for start, _, word in json.loads((folder / "labels.json").read_text())["labels"]
        for doing, _, situation in [word.partition("/")]
    ]
