"""A prompt is handed over once for each key, and its receipt is true, whoever dies in between."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.console import Console
from tests.real.daemon import until

pytestmark = [pytest.mark.timeout(120), pytest.mark.requirement("C4", "B4")]

LINED, TYPED = (
    Path(__file__).parents[1] / "fakes" / name for name in ("turning_agent.py", "typed_agent.py")
)


@pytest.fixture
def console() -> Iterator[Console]:
    with Console() as console:
        yield console


@pytest.fixture(params=["lines", "screen"])
def agent(console: Console, request: pytest.FixtureRequest) -> Agent:
    return Agent(console, request.param)


class Agent:
    """A task whose agent works until a gate is opened, spoken to by lines or on a terminal."""

    def __init__(self, console: Console, way: str) -> None:
        self.console = console
        self.way = way
        self.work = console.home / "work"
        (self.work / "bin").mkdir(parents=True)
        program = self.work / "bin" / "claude"
        words = [str(LINED)] if way == "lines" else [str(TYPED), "turns"]
        program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, *words])} "$@"\n')
        program.chmod(0o755)
        path = f"PATH={self.work / 'bin'}:{console.env['PATH']}"
        mode = "stream" if way == "lines" else "pty"
        flags = ["--agent", "claude", "--mode", mode, "--cwd", str(self.work), "--env", path]
        key = ["--env", "ANTHROPIC_API_KEY=none"]
        self.task = console.say("add", *flags, *key, "do it")
        until(lambda: self.heard() == ["do it"], "its first prompt")
        if way == "screen":
            until(lambda: b"working" in console.run("why", self.task).stdout, "it to be seen")

    def heard(self) -> list[str]:
        """The prompts that it read."""
        file = self.work / "heard"
        lines = file.read_bytes().splitlines() if file.exists() else []
        told = [json.loads(line) for line in lines]
        if self.way == "screen":
            return told
        return [line["message"]["content"][0]["text"] for line in told if line["type"] == "user"]

    def open(self, turn: int) -> None:
        (self.work / f"go-{turn}").touch()

    def ends(self) -> None:
        """It does so by itself, or on a terminal when it is told to."""
        if self.way == "screen":
            self.console.say("send", "--no-enter", self.task, "\x04")
        assert self.console.run("wait", self.task).returncode == 0

    def send(self, *words: str) -> tuple[int, dict[str, object]]:
        ran = self.console.run("send", self.task, "--json", *words)
        told = json.loads(ran.stdout)
        return ran.returncode, told.get("receipt") or told["error"]


def test_it_waits_for_the_turn_through_the_death_of_a_daemon_and_goes_once(
    console: Console, agent: Agent
) -> None:
    code, first = agent.send("--key", "k-1", "--no-wait", "and\nthen?")
    assert (code, first["stage"], first["way"]) == (3, "queued", agent.way)
    assert first["why"] == "its turn before that goes on"
    os.kill(json.loads(console.say("status", "--json"))["daemon"]["pid"], signal.SIGKILL)
    code, again = agent.send("--key", "k-1", "--timeout", "1ms", "and\nthen?")
    assert (code, again["stage"], again.get("lost")) == (4, "queued", None)
    code, error = agent.send("--key", "k-1", "another")
    assert (code, error["code"]) == (2, "key-reused")
    agent.open(1)
    code, arrived = agent.send("--key", "k-1", "and\nthen?")
    assert (code, arrived["stage"]) == (0, "started")
    assert agent.heard() == ["do it", "and\nthen?"]
    agent.open(2)
    agent.ends()
    code, settled = agent.send("--key", "k-1", "and\nthen?")
    assert (code, settled["stage"]) == (0, "started")
    assert agent.heard() == ["do it", "and\nthen?"]
    refused = console.run("send", agent.task, "too late")
    assert refused.returncode == 2
    assert b"nothing of it runs" in refused.stderr


def test_several_that_wait_have_a_turn_each(agent: Agent) -> None:
    for word in ("one", "two"):
        assert agent.send("--no-wait", word)[1]["stage"] == "queued"
    for turn in (1, 2, 3):
        agent.open(turn)
    until(lambda: agent.heard() == ["do it", "one", "two"], "each to have a turn")
    agent.ends()
    assert agent.heard() == ["do it", "one", "two"]


def test_what_no_turn_had_is_lost_and_says_so(console: Console, agent: Agent) -> None:
    assert agent.send("--key", "k-1", "--no-wait", "and then?")[0] == 3
    console.say("interrupt", agent.task)
    ran = console.run("send", agent.task, "--key", "k-1", "and then?")
    assert ran.returncode == 1
    assert ran.stdout.startswith(b"queued: lost, since its turn was interrupted")
    assert agent.heard() == ["do it"]
