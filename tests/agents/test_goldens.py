"""The golden transcripts as files: whole, small, and telling nothing of where they were made."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.agents.agent import Agent, Mode
from tests.agents.drive import objects
from tests.agents.kinds import AGENTS
from tests.agents.kinds.adapters import ADAPTERS
from tests.agents.play import plays
from tests.agents.record import GOLDEN, LARGEST

RECORDED = [
    pytest.param(agent, mode, id=f"{agent.name}-{mode.name}")
    for agent in (*AGENTS.values(), *ADAPTERS.values())
    for mode in agent.modes
]
_PRIVATE = re.compile(rb"(?<!\w)/(?:tmp|root)/|\b127\.0\.0\.1:(?!4242\b)\d+")


def folders(agent: Agent, mode: Mode) -> list[Path]:
    return [GOLDEN / agent.name / mode.name / play.name for play in plays(mode)]


@pytest.mark.parametrize(("agent", "mode"), RECORDED)
def test_every_play_is_recorded_at_the_pinned_version(agent: Agent, mode: Mode) -> None:
    for folder in folders(agent, mode):
        assert sorted(each.name for each in folder.iterdir()) == [
            "meta.json",
            "stderr",
            "stdin",
            "stdout",
        ]
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        assert (meta["agent"], meta["version"]) == (agent.name, agent.version)
        assert (meta["exit"] is None) != (meta["signal"] is None)


@pytest.mark.parametrize(("agent", "mode"), RECORDED)
def test_what_is_recorded_is_small_and_has_nothing_private(agent: Agent, mode: Mode) -> None:
    for folder in folders(agent, mode):
        for file in folder.iterdir():
            data = file.read_bytes()
            assert len(data) <= LARGEST, file
            assert not _PRIVATE.search(data), file


@pytest.mark.parametrize(("agent", "mode"), RECORDED)
def test_each_line_of_a_dialogue_is_told_when_it_was_said(agent: Agent, mode: Mode) -> None:
    if mode.dialogue is None:
        return
    for folder in folders(agent, mode):
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        said = list(objects((folder / "stdin").read_bytes()))
        assert len(said) == len(meta["stdin_lines_after"]), folder
        assert meta["stdin_lines_after"] == sorted(meta["stdin_lines_after"])


def test_no_golden_is_left_of_what_is_played_no_more() -> None:
    played = {
        folder
        for agent in (*AGENTS.values(), *ADAPTERS.values())
        for mode in agent.modes
        for folder in folders(agent, mode)
    }
    kept = {
        path.parent for name in (*AGENTS, *ADAPTERS) for path in (GOLDEN / name).rglob("meta.json")
    }
    assert kept <= played
