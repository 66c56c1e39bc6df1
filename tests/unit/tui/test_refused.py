"""What the screens say where Control refuses, or what they tell of is gone; what then stays."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn, cast

import anyio
import anyio.lowlevel
import pytest

from inspan.clock import SystemClock
from inspan.control import TaskPage, TaskQuery
from inspan.errors import (
    BadInput,
    Conflict,
    DaemonUnreachable,
    FellBehind,
    IllegalTransition,
    InputFull,
    InspanError,
    NotFound,
    SessionNotFound,
    Unable,
)
from inspan.model.code import CodeEvent, CodeSession, CodeSpec, Wanted
from inspan.model.goal import GoalPlan, PlanStep
from inspan.model.task import TaskSpec, Workspace, WorkspaceKind
from inspan.settings.planfile import written
from inspan.telling.groups import Group
from inspan.tui.acting import Acting
from inspan.tui.aiming import Aiming
from inspan.tui.app import Cockpit
from inspan.tui.coding import Coding
from inspan.tui.dialogs.answer import AnswerDialog
from inspan.tui.dialogs.asking import Dialogs
from inspan.tui.dialogs.line import LineDialog, Typed
from inspan.tui.dialogs.newsession import NewSession
from inspan.tui.feed import Feed
from inspan.tui.headway import Headway
from inspan.tui.notebook import Notebook
from inspan.tui.reading import Reading
from tests.fakes.control import FakeControl
from tests.unit.tui import posing
from tests.unit.tui.test_again import Noted
from tests.unit.tui.test_kernels import celled
from tests.unit.tui.test_tasks import opened, seen, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E3")]


class Asked:
    """A person who answers each dialog with what a test says, and then leaves them."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.seen: list[Any] = []

    async def ask(self, dialog: object) -> Any:
        self.seen.append(dialog)
        return self.answers.pop(0) if self.answers else None


def _by(person: Asked) -> Dialogs:
    return cast("Dialogs", person)


# ── tasks and goals ───────────────────────────────────────────────────────────


async def test_where_no_task_can_be_made_none_is_asked_for() -> None:
    person = Asked()
    with pytest.raises(BadInput, match="here no task can be handed in"):
        await Acting(FakeControl(), _by(person)).new()
    assert person.seen == []


async def test_a_task_that_asks_nothing_any_more_is_not_answered() -> None:
    control, person = FakeControl(), Asked("yes")
    task = await control.submit_running()
    with pytest.raises(IllegalTransition, match="asks nothing now"):
        await Acting(control, _by(person)).answer(task)
    with pytest.raises(IllegalTransition, match="asks nothing now"):
        await Aiming(control, _by(person), None, str, print).answer(task)
    assert person.seen == []
    assert control.sessions[str(task.session)].typed == b""


async def test_a_question_is_asked_though_what_was_changed_cannot_be_told() -> None:
    control, person = FakeControl(), Asked()
    task = await control.submit_running()
    control.asks(task.id, "Go on?")
    place = Workspace(kind=WorkspaceKind.WORKTREE, path="/w")
    control.tasks[task.id] = replace(control.tasks[task.id], workspace=place)
    await Acting(control, _by(person)).answer(task)
    (dialog,) = person.seen
    assert isinstance(dialog, AnswerDialog)
    assert (dialog.needs.question, dialog.diff) == ("Go on?", "")


MINE, THEIRS = (GoalPlan(steps=(PlanStep(name=name, prompt="x"),)) for name in ("mine", "theirs"))


async def test_a_plan_that_is_refused_is_kept_as_a_draft() -> None:
    control = await posing.goals(FakeControl())
    goal = next(one for one in control.tasks.values() if one.planned)
    texts = list[str]()

    def write(text: str) -> str:
        texts.append(text)
        return written(MINE)

    async def refused(*_: object, **__: object) -> NoReturn:
        raise Conflict("it cannot be planned now")

    stored = control.replan
    control.replan = refused  # type: ignore[method-assign]
    aiming = Aiming(control, _by(Asked(False)), None, write, print)
    with pytest.raises(Conflict, match="cannot be planned now"):
        await aiming.edit(goal)

    async def slow(task: str, plan: GoalPlan, *, version: int, by: str = "person") -> NoReturn:
        del plan, by
        await stored(task, THEIRS, version=version, by="planner")
        raise Conflict("a newer plan is there")

    control.replan = slow  # type: ignore[method-assign]
    with pytest.raises(Conflict, match="a newer plan is there"):  # theirs is to stay
        await aiming.edit(goal)
    assert texts[1] == written(MINE)
    assert control.tasks[goal.id].planned == 2


async def test_where_no_editor_can_be_started_that_is_said() -> None:
    with pytest.raises(Unable, match="here no editor can be started"):
        Cockpit(FakeControl())._written("steps:\n")


async def test_a_look_at_goals_that_fails_is_taken_again() -> None:
    control = await posing.goals(FakeControl())
    goal = next(one.id for one in control.tasks.values() if one.planned)
    looks = list[Any]()
    changed = list[set[str]]()
    headway = Headway(
        control, cast("Any", None), lambda look, _: looks.append(look), changed.append
    )
    history = control.history

    async def lost(*_: object) -> NoReturn:
        raise DaemonUnreachable("gone")

    control.history = lost  # type: ignore[method-assign, assignment]
    for expected in (None, 7):
        headway.want(goal)
        headway.look()
        await looks.pop()
        found = headway.of(goal)
        assert (found and len(found.steps)) == expected
        control.history = history  # type: ignore[method-assign]
    assert changed == [{goal}]


# ── code sessions ─────────────────────────────────────────────────────────────


async def test_what_cannot_be_done_with_a_code_session_is_said_and_it_stays() -> None:
    control = FakeControl()
    session = await control.code.open(CodeSpec(name="data", cwd="/src"))
    with pytest.raises(BadInput, match="here no session can be opened"):
        await Coding(control, _by(Asked(NewSession()))).new()
    person = Asked()
    with pytest.raises(NotFound, match="data has no checkpoint") as raised:
        await Coding(control, _by(person)).restore(session)
    assert raised.value.hint.startswith("Nothing of it was saved yet")
    assert person.seen == []
    assert [one.id for one in await control.code.list()] == [session.id]


async def test_a_line_that_is_not_waited_for_any_more_is_given_to_nobody() -> None:
    control = FakeControl()
    session = await control.code.open(CodeSpec(name="data", cwd="/src"))
    wanted = Wanted(cell="c1", request="r1", prompt="who? ")
    coding = Coding(control, _by(Asked(Typed("me"))))
    assert not await coding.answer(session, wanted, LineDialog(wanted, "data"))


@pytest.mark.parametrize(
    ("error", "told"),
    [(FellBehind(), []), (SessionNotFound("there is no such session"), ["there is no such"])],
)
async def test_a_transcript_is_read_on_after_what_broke_it_off(
    error: InspanError, told: list[str]
) -> None:
    control = FakeControl()
    session = await control.code.open(CodeSpec(name="data", cwd="/src"))
    await control.code.execute(session.id, "6 * 7")
    follow, asked = control.code.follow, list[int]()

    async def following(
        session: str, since: int | None = None, *, cell: str | None = None
    ) -> AsyncGenerator[CodeEvent, None]:
        asked.append(since or 0)
        if len(asked) == 1:
            raise error
        async for event in follow(session, since, cell=cell):
            yield event

    control.code.follow = following  # type: ignore[method-assign]
    notebook, said = Notebook(), list[str]()
    reading = Reading(control, session.id, notebook, SystemClock(), said.append)
    async with anyio.create_task_group() as group:
        group.start_soon(reading.run)
        if told:
            while not said:
                await anyio.lowlevel.checkpoint()
            reading.again()
        while notebook.codes != ["6 * 7"]:  # noqa: ASYNC110 - as above
            await anyio.sleep(0.001)
        group.cancel_scope.cancel()
    assert asked == [0, 0]
    assert [one[:16] for one in said] == told


async def test_a_session_that_is_gone_is_said_on_its_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    control = FakeControl()
    await control.code.open(CodeSpec(name="data", cwd="/src"))

    async def gone(_: str) -> CodeSession:
        raise SessionNotFound("no code session has such an id")

    async with celled(control) as (screen, pilot):
        monkeypatch.setattr(control.code, "get", gone)
        screen.editor.text = "half of a c"
        await until(pilot, lambda: "no code session has such an id" in seen(screen.app))
        assert screen.editor.text == "half of a c"
        assert not screen.app.complaints.is_showing


async def test_the_list_of_code_sessions_stays_where_it_cannot_be_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    control = FakeControl()
    await control.code.open(CodeSpec(name="data", cwd="/src"))
    asked = list[int]()

    async def lost(**_: object) -> NoReturn:
        asked.append(1)
        raise DaemonUnreachable("gone")

    async with opened(control) as (app, pilot):
        await until(pilot, lambda: app.focused is not None)
        await pilot.press("K")
        await until(pilot, lambda: "data" in seen(app))
        monkeypatch.setattr(control.code, "list", lost)
        await until(pilot, lambda: asked)
        await pilot.pause()
        assert "data" in seen(app)
        assert not app.complaints.is_showing


# ── what is read on ───────────────────────────────────────────────────────────


class Kept:
    """A terminal that keeps what it was fed."""

    def __init__(self) -> None:
        self.fed = b""

    def begin(self, cols: int, rows: int) -> None:
        del cols, rows
        self.fed = b""

    def feed(self, data: bytes) -> None:
        self.fed += data

    def resize_terminal(self, cols: int, rows: int) -> None: ...


async def test_a_terminal_that_fell_behind_begins_anew_and_has_all() -> None:
    control = FakeControl()
    task = await control.submit_running()
    control.prints(task.id, b"all of it")
    session = control.sessions[str(task.session)]
    session.fails = FellBehind()
    begun = list[bytes]()

    class Shown(Kept):
        def begin(self, cols: int, rows: int) -> None:
            begun.append(self.fed)
            super().begin(cols, rows)
            if len(begun) == 2:
                session.fails = None
                control.ends(task.id)

    kept, clock = Shown(), Noted()
    with anyio.fail_after(30):
        await Feed(control, task.id, kept, clock, lambda _: None).run()
    assert [one.endswith(b"all of it") for one in begun] == [False, True]
    assert kept.fed.count(b"all of it") == 1
    assert clock.slept == []  # it is no loss that anybody waits after


async def test_keys_wait_for_a_program_that_does_not_read_and_none_is_lost() -> None:
    control = FakeControl()
    task = await control.submit_running()
    session = control.sessions[str(task.session)]
    session.refuses = InputFull()

    class Reads(Noted):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            if len(self.slept) == 3:
                session.refuses = None

    clock = Reads()
    feed = Feed(control, task.id, Kept(), clock, lambda _: None)
    async with anyio.create_task_group() as group:
        group.start_soon(partial(feed.run, writer=True))
        while feed.link is None:
            await anyio.lowlevel.checkpoint()
        await feed.type(b"keys")
        control.ends(task.id)
    assert session.typed == b"keys"
    assert len(clock.slept) == 3


async def test_a_recording_that_cannot_be_read_is_said_where_it_is_played(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    control = FakeControl()
    task = await control.submit_running()
    control.prints(task.id, b"printed words")

    async def lost(*_: object, **__: object) -> NoReturn:
        raise SessionNotFound("its recording is gone")

    async with opened(control) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        for verb in ("read", "times", "frame"):
            monkeypatch.setattr(control, verb, lost)
        await pilot.press("r")
        await until(pilot, lambda: "its recording is gone" in seen(app))
        assert not app.complaints.is_showing


async def test_older_tasks_that_cannot_be_read_are_asked_for_again() -> None:
    control = FakeControl()
    for number in range(3):
        await control.submit(TaskSpec(command=("work",), name=f"task {number}", cwd="/"))
    asked = list[TaskQuery]()
    lists = control.list

    async def lost(query: TaskQuery = TaskQuery()) -> TaskPage:
        if query.before is None:
            return await lists(query)
        asked.append(query)
        raise DaemonUnreachable("gone")

    async with opened(control) as (app, pilot):
        await until(pilot, lambda: "task 2" in seen(app))
        control.list = lost  # type: ignore[method-assign]
        for number in (1, 2):
            app.known.older[Group.QUEUED] = max(control.tasks)
            app.tasks._older(Group.QUEUED)
            await until(pilot, lambda number=number: len(asked) >= number)  # type: ignore[misc]
            await until(pilot, lambda: Group.QUEUED not in app.tasks._fetching)
        assert "task 2" in seen(app)
        assert not app.complaints.is_showing
