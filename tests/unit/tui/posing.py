"""Code sessions that are the same always, for pictures of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import cast

import anyio

from inspan.control import Code
from inspan.model import code as c
from inspan.model.goal import GoalPlan, PlanStep
from inspan.model.pursuit import APPLY, GOAL, PHASE, STEP
from inspan.model.session import CodeState
from inspan.model.task import Reason, TaskKind, TaskSpec
from tests.fakes.control import FakeControl

SESSION = "py-01hf87rwzr00000000000000da"
#: It says how large it is, and ends.
_CUT = "iVBORw0KGgoAAAANSUhEUgAAAoAAAAHgCAYAAAA10dzkAAAA"
#: A figure of eight bars, 34 points by 12.
_BARS = (
    "iVBORw0KGgoAAAANSUhEUgAAACIAAAAMCAIAAACIg/jTAAAAfklEQVR4nGP89eMTA+0BEx3sYGBgYCFDT19ZA4RR"
    "1NVApJZB5puyshkQRldXBg2twQWWlUFtjeqagUfZIAi0uLINEMairgAaWkMq2FcWAGE4dW0gYI1b2QkIY1eXBRVd"
    "wMLAwKBX9gDCudSlQEWj0a2hBbhWBg0Mra4TDAwMAMZ7Gwwm7qfOAAAAAElFTkSuQmCC"
)
_END = c.CellEnd(state=c.CellState.DONE)
_RAISED = c.CellError(
    name="KeyError",
    message="'prize'",
    traceback=(
        "Traceback (most recent call last):",
        '  File "<cell 4>", line 1, in <module>\n    \x1b[1;31mrow["prize"]\x1b[0m',
        "KeyError: 'prize'",
    ),
)
_FAILED = c.CellEnd(state=c.CellState.FAILED, error=_RAISED, seconds=3.0)


def _cell(number: int, code: str, *facts: c.CodeFact) -> list[c.CodeFact]:
    return [c.CellEntered(f"c{number}", number, code), c.CellBegan(f"c{number}", "sync"), *facts]


FACTS: list[c.CodeFact] = [
    c.Opened(1, 4321, "3.13.0", "It is not confined: this machine has no Landlock."),
    *_cell(1, "import pandas as pd\nframe = pd.read_csv('rows.csv')", c.CellEnded("c1", _END)),
    *_cell(
        2,
        "frame.head(2)",
        c.Shown("c2", {"text/html": "<table>", "text/plain": "  name  price\n0  tea      3"}),
        c.CellEnded("c2", _END),
    ),
    *_cell(
        3,
        "frame.plot(); print('[red]drawn[/red]')",
        c.Shown("c3", {"image/png": _CUT, "text/plain": "<Figure size 640x480>"}),
        c.Printed("c3", "stdout", "[red]drawn[/red]\x1b]0;title\x07\n"),
        c.Printed("c3", "stderr", "\r10 %\r100 % \x1b[32mdone\x1b[0m\n"),
        c.CellEnded("c3", _END),
    ),
    *_cell(4, 'row["prize"]', c.CellEnded("c4", _FAILED)),
    c.CheckpointMade(
        c.Saved(
            name="before", at=0.0, size=9, names=("frame",), lost=(c.LostName("f", "file", "open"),)
        )
    ),
    *_cell(5, "bars", c.Shown("c5", {"image/png": _BARS}), c.CellEnded("c5", _END)),
    *_cell(6, "while True:\n    pass"),
]


class PosingCode:
    """What of ``Code`` a screen asks for."""

    def __init__(self, noon: float) -> None:
        self._noon = noon

    async def list(self, *, ended: bool = False) -> tuple[c.CodeSession, ...]:
        del ended
        spec = c.CodeSpec(
            cwd="/src", name="data", python="/usr/bin/python3", grants=c.Grants(net=True)
        )
        own = c.CodeSpec(cwd="/src/deep")
        gone = Reason("session-died", "It was killed by SIGKILL.")
        pulse = c.Pulse(self._noon, 87 << 20, 99.0, 12)
        return (
            c.CodeSession(
                id=SESSION,
                spec=spec,
                state=CodeState.BUSY,
                pid=4321,
                cells=5,
                pulse=pulse,
                created_at=self._noon,
            ),
            c.CodeSession(
                id=SESSION[:-2] + "db",
                spec=own,
                state=CodeState.TERMINATED,
                reason=gone,
                created_at=self._noon,
            ),
        )

    async def get(self, session: str) -> c.CodeSession:
        return next(one for one in await self.list() if one.id == session)

    async def follow(self, session: str, since: int) -> AsyncGenerator[c.CodeEvent, None]:
        for seq, fact in enumerate(FACTS, 1):
            if seq > since:
                yield c.CodeEvent(seq, self._noon, session, fact)
        await anyio.sleep_forever()


def code(noon: float) -> Code:
    """As a Control has it."""
    return cast("Code", PosingCode(noon))


def _step(name: str, title: str, *after: str, minutes: float = 10.0) -> PlanStep:
    return PlanStep(name=name, title=title, prompt="do it", after=after, minutes=minutes)


PLAN = GoalPlan(
    summary="a limit for each token",
    steps=(
        _step("limits", "The limits, as settings"),
        _step("bucket", "A bucket of [red]tokens[/red] for each client", minutes=25.0),
        _step("middleware", "Middleware that answers 429", "limits", "bucket", minutes=30.0),
        _step("headers", "RateLimit headers", "middleware"),
        _step("docs", "The limits in the docs", "limits"),
        _step("bench", "A benchmark beside the old code", "bucket"),
        _step("tests", "Tests end to end", "headers", "bench", minutes=40.0),
    ),
)


async def goals(control: FakeControl) -> FakeControl:
    """A goal in the middle of its steps, which asks for a person."""
    spec = TaskSpec(
        kind=TaskKind.GOAL, provider="queen", cwd="/src", prompt="add rate limiting, with tests"
    )
    goal = await control.submit(spec)
    await control.replan(goal.id, PLAN, version=0, by="planner claude")
    for name in ("limits", "bucket", "middleware", "docs", "bench"):
        labels = {GOAL: goal.id, STEP: name, PHASE: APPLY}
        title = next(step.title for step in PLAN.steps if step.name == name)
        work = TaskSpec(
            cwd="/src", provider="claude", name=title, labels=labels, correlation=goal.correlation
        )
        task = await control.submit(work)
        control.start(task.id)
        if name in ("limits", "bucket"):
            control.ends(task.id, 0)
        elif name == "bench":
            control.ends(task.id, 3)
        elif name == "docs":
            control.asks(task.id, "May I run `rm -rf docs/_build`?")
    control.start(goal.id)
    control.asks(goal.id, "docs: rejected 3 times: a.md:1: no. Accept it all the same?")
    return control
