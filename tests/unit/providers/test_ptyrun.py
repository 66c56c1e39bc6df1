"""An agent on a terminal: real processes on real terminals show what real agents showed."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import anyio
import pytest

from inspan.agents.claude import Claude
from inspan.engine.ports import Asks, Does, Finished, GoesOn, Observation, Order, Run
from inspan.errors import BadInput, Conflict
from inspan.model.activity import CALM, Activity, Doing, Reading, Source
from inspan.model.hook import Hook
from inspan.model.task import Needs, TerminalSpec
from inspan.providers.keptprompts import KeptPrompts
from inspan.providers.ptyrun import PtyRun
from inspan.providers.redaction import Redaction
from inspan.providers.screenrules import rulebooks
from inspan.providers.seeing import Eyes
from inspan.terminal.rules import Rulebook
from inspan.terminal.screen import BLIND
from tests.fakes.clock import FakeClock
from tests.fakes.provider import FakeRun
from tests.real.agenthome import AgentHome, agent_home

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("B4", "B6", "C4")]

#: Where the recorded claude is idle first, asks, and is idle again, in seconds.
IDLE, ASKS, RESTS = 4.0, 8.0, 12.0


@pytest.fixture
async def home() -> AsyncIterator[AgentHome]:
    async with agent_home() as made:
        yield made


class Seen:
    """What a run tells, kept."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.all: list[Observation] = []
        self._news = anyio.Event()

    async def keep(self) -> None:
        news = cast("AsyncGenerator[Observation, None]", self.run.observations())
        async with aclosing(news):
            async for seen in news:
                self.all.append(seen)
                self._news.set()
                self._news = anyio.Event()

    async def until(self, found: Callable[[Seen], bool]) -> None:
        with anyio.fail_after(30):
            while not found(self):
                await self._news.wait()

    @property
    def activity(self) -> Activity | None:
        return next((one.activity for one in reversed(self.all) if isinstance(one, Does)), None)

    @property
    def doing(self) -> Doing | None:
        return None if self.activity is None else self.activity.doing

    @property
    def needs(self) -> Needs | None:
        """What it asks by now."""
        told = [one for one in self.all if isinstance(one, Asks | GoesOn)]
        return told[-1].needs if told and isinstance(told[-1], Asks) else None


@asynccontextmanager
async def watched(home: AgentHome, order: Order, *, adopt: bool = False) -> AsyncIterator[Seen]:
    provider = home.provider()
    run = await (provider.adopt(order) if adopt else provider.open(order))
    assert run is not None
    seen = Seen(run)
    async with anyio.create_task_group() as group:
        group.start_soon(seen.keep)
        yield seen
        group.cancel_scope.cancel()


async def test_it_is_idle_asks_is_answered_and_rests(home: AgentHome) -> None:
    order = home.shows("permission", f"{IDLE}=b'g'", f"{ASKS}=b'1'", f"{RESTS}=b'x'")
    async with watched(home, order) as seen:
        await seen.until(lambda it: it.doing is Doing.IDLE)
        assert not [one for one in seen.all if isinstance(one, Asks)], "a prompt is no question"
        await seen.run.write(b"g")
        await seen.until(lambda it: it.needs is not None and it.doing is Doing.WAITING)
        assert seen.needs is not None
        assert (seen.needs.kind, bool(seen.needs.options)) == ("permission", True)
        assert seen.doing is Doing.WAITING
        assert seen.activity is not None
        assert (seen.activity.source, seen.activity.rule) == (Source.SCREEN, "claude/permission")
        with pytest.raises(Conflict):
            await seen.run.answer(Needs("permission", "another", id="no"), "allow")
        with pytest.raises(BadInput, match="keys"):
            await seen.run.answer(seen.needs, "no")
        await seen.run.answer(seen.needs, "allow")
        await seen.until(lambda it: it.doing is Doing.IDLE and it.needs is None)
        asked = [one for one in seen.all if isinstance(one, Asks)]
        assert len(asked) == 1, "it is not asked again while the answer is being read"
        await seen.run.write(b"x")
        await seen.until(lambda it: isinstance(it.all[-1], Finished))


async def test_one_that_waits_is_adopted_with_its_question(home: AgentHome) -> None:
    order = home.shows("permission", f"{ASKS}=b'1\\r'", f"{RESTS}=b'x'")
    async with watched(home, order) as seen:
        await seen.until(lambda it: it.needs is not None)
        asked, before = seen.needs, seen.activity
    async with watched(home, order, adopt=True) as again:
        await again.until(lambda it: it.needs is not None)
        assert again.needs == asked
        assert not [one for one in again.all if isinstance(one, GoesOn)]
        assert again.activity is not None
        assert before is not None
        assert abs(again.activity.since - before.since) < 5
        await again.run.write(b"1\r")
        await again.until(lambda it: it.needs is None)
        await again.until(lambda it: it.doing is Doing.IDLE)


async def test_it_has_a_terminal_also_where_its_order_has_none(home: AgentHome) -> None:
    order = home.shows("permission", f"{IDLE}=b'x'")
    piped = replace(order, terminal=replace(order.terminal, pty=False))
    async with watched(home, piped) as seen:
        await seen.until(lambda it: it.doing is Doing.IDLE)


async def _looked(run: PtyRun, rule: str, evidence: str = "") -> Activity:
    """What it is seen to do once that is by ``rule``; nothing tells when processes change."""
    with anyio.fail_after(30):
        while (found := await run.look()).rule != rule or evidence not in found.evidence:  # noqa: ASYNC110 - no event tells
            await anyio.sleep(0.05)
    return found


async def test_a_command_is_work_where_nothing_else_tells_and_what_was_stopped_does_nothing(
    home: AgentHome,
) -> None:
    order = home.shows("answer")
    program = home.root / "bin" / "claude"
    program.write_text("#!/bin/sh\necho $$ >pid\necho what no rule knows\nsetsid sleep 100\n")
    async with watched(home, order) as seen:
        run = cast("PtyRun", seen.run)
        # For a moment it is `setsid` that leads the group.
        found = await _looked(run, "command", "it runs sleep")
        assert (found.doing, found.source) == (Doing.WORKING, Source.PROCESS)
        os.kill(int((home.work / "pid").read_text()), signal.SIGSTOP)
        found = await _looked(run, "stopped")
        assert found.doing is Doing.UNKNOWN
        assert run._own() == 0.0, "it has no time in which to show what is typed"
        await seen.run.kill()
        await seen.until(lambda it: isinstance(it.all[-1], Finished))


async def test_a_command_beside_a_question_is_no_work(home: AgentHome) -> None:
    order = home.shows("permission", f"{ASKS}=b'1'")
    program = home.root / "bin" / "claude"
    script = program.read_text().replace("exec ", "setsid sleep 100 &\n")
    program.write_text(script)
    async with watched(home, order) as seen:
        await seen.until(lambda it: it.needs is not None and it.doing is Doing.WAITING)
        run = cast("PtyRun", seen.run)
        assert (await run.look()).doing is Doing.WAITING
        run._system_at = -1.0
        run._ask_system(run._clock.monotonic())
        found = await run.look()
        assert (found.doing, found.source) == (Doing.WAITING, Source.SCREEN)
        await seen.run.kill()


async def test_one_that_rests_is_adopted_with_no_question(home: AgentHome) -> None:
    order = home.shows("permission", f"{IDLE}=b'g'", f"{ASKS}=b'x'")
    async with watched(home, order) as seen:
        await seen.until(lambda it: it.doing is Doing.IDLE)
    async with watched(home, order, adopt=True) as again:
        await again.until(lambda it: any(isinstance(one, GoesOn) for one in it.all))
        assert again.doing is Doing.IDLE
        assert not [one for one in again.all if isinstance(one, Asks)]


async def test_a_hook_tells_that_it_asks_and_its_screen_tells_what(home: AgentHome) -> None:
    answered = home.root / "answered"
    order = home.shows("permission", f"{ASKS}=b'zz'")  # in no answer of a terminal's
    program = home.root / "bin" / "claude"
    said = str(Hook("Notification", Doing.WAITING))
    after = f"printf '\\033]{said}\\033\\\\'; dd bs=1 count=1 of={answered} 2>/dev/null"
    program.write_text(program.read_text().replace("exec ", "") + f"{after}\n")
    async with watched(home, order) as seen:
        await seen.until(lambda it: it.needs is not None and it.doing is Doing.WAITING)
        asked = seen.needs
        await seen.run.write(b"zz")
        run = cast("PtyRun", seen.run)
        with anyio.fail_after(30):  # it asks as before, and so that is no news
            while (known := run.activity) is None or known.source is not Source.HOOK:  # noqa: ASYNC110
                await anyio.sleep(0.05)
        assert (known.doing, known.rule) == (Doing.WAITING, "Notification")
        assert seen.needs == asked
        assert asked is not None
        await seen.run.answer(asked, "allow")
        await seen.until(lambda it: isinstance(it.all[-1], Finished))
    assert answered.read_bytes() == b"1"


def _reading(question: str | None, at: float) -> Reading:
    if question is None:
        return Reading(Doing.UNKNOWN, Source.SCREEN, at)
    return Reading(Doing.WAITING, Source.SCREEN, at, "x/asks", needs=Needs("question", question))


class Asked:
    """A run whose screen says what the test says, and what it would tell that it asks."""

    def __init__(self, folder: Path, books: tuple[Rulebook, ...] = ()) -> None:
        eyes = Eyes(folder, books, BLIND, cols=80, rows=24, whole=True)
        order = Order(session="s", command=(), prompt="", cwd="/", env={}, terminal=TerminalSpec())
        hidden = Redaction(["key-12345678"])
        kept = KeptPrompts(folder)
        self.inner, self.clock = FakeRun(order, 1), FakeClock()
        self.run = PtyRun(self.inner, eyes, anyio.Lock(), self.clock, hidden, kept)

    def shows(self, question: str | None, at: float) -> str | None:
        self.run._discern.step([_reading(question, at)], at)
        self.run._needs = self.run._asked(at)
        return None if self.run._needs is None else self.run._needs.question


async def test_a_screen_that_nobody_knows_ends_a_question_after_a_while(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    assert asked.shows(None, 0.0) is None
    assert asked.shows("One?", 1.0) == "One?"
    assert asked.shows(None, 2.0) == "One?"
    assert asked.shows(None, 2.0 + CALM - 0.1) == "One?"
    assert asked.run._due() == 2.0 + CALM
    assert asked.shows(None, 2.0 + CALM) is None


async def test_a_question_that_counts_the_seconds_is_one(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    told = [asked.shows(f"Go on? ({9 - second} s)", float(second)) for second in range(3)]
    told += [asked.shows(f"Go on? ({half} s)", 3.0 + half / 2) for half in range(4)]
    assert set(told[3:]) == {told[2]}, "what does not stand is not told"
    assert asked.shows("Another?", 6.0) == told[2]
    assert asked.shows("Another?", 7.0) == "Another?"


async def test_what_was_answered_is_asked_again_if_it_stays(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    assert asked.shows("One?", 1.0) == "One?"
    asked.run._answered = (asked.run._needs, 1.0 + CALM)
    assert asked.shows("One?", 1.1) is None
    assert asked.shows("One?", 1.0 + CALM) == "One?"
    asked.run._answered = (asked.run._needs, 99.0)
    assert asked.shows("Two?", 8.0) == "One?"
    assert asked.shows("Two?", 9.0) == "Two?"


async def test_what_is_to_be_hidden_is_in_no_question(tmp_path: Path) -> None:
    asked = Asked(tmp_path)
    assert asked.shows("Send key-12345678?", 1.0) == "Send [secret]?"


async def test_an_answer_is_given_when_the_question_has_stood_for_a_second(tmp_path: Path) -> None:
    asked = Asked(tmp_path, rulebooks("claude"))
    needs = Needs("permission", "Do you want to proceed?", ("Yes", "No"))
    reading = Reading(Doing.WAITING, Source.SCREEN, 1000.0, "claude/permission", needs=needs)
    asked.run._discern.step([reading], 1000.0)
    asked.run._needs, asked.run._asked_at = needs, 1000.0
    async with anyio.create_task_group() as group:
        group.start_soon(asked.run.answer, needs, "deny")
        await asked.clock.advance(0.9)
        assert asked.inner.typed == b""
        await asked.clock.advance(0.1)
        assert asked.inner.typed == b"\x1b"


async def test_where_its_recording_is_removed_it_goes_on(tmp_path: Path) -> None:
    asked = Asked(tmp_path / "gone")
    asked.run._size = 7
    await asked.run._look()
    assert asked.run._drawn == 7, "it is not tried again before it prints more"
    assert asked.inner.asked == []
    assert asked.shows("One?", 1.0) == "One?"


class Ruled(Claude):
    """Its own screen rules were there when the task was submitted."""

    screen_rules = "/nowhere/rules.toml"


async def test_without_the_rules_it_came_with_it_is_watched_by_ours(
    home: AgentHome, caplog: pytest.LogCaptureFixture
) -> None:
    run = await home.provider(dialect=Ruled()).open(home.shows("permission", f"{ASKS}=b'1'"))
    seen = Seen(run)
    async with anyio.create_task_group() as group:
        group.start_soon(seen.keep)
        await seen.until(lambda it: it.needs is not None)
        group.cancel_scope.cancel()
    assert seen.activity is not None
    assert seen.activity.rule == "claude/permission"
    assert "cannot read the screen rules" in caplog.text
