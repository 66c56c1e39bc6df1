"""Each dialog by keys alone, in small terminals too: its order, its answer, the focus after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input

from inspan.cli.tui import _made, _session_made
from inspan.clock import SystemClock
from inspan.errors import BadInput, FolderMissing
from inspan.model.code import Grants, Sandbox
from inspan.model.task import Needs, Task, TaskSpec, TaskState, WorkspaceKind
from inspan.tui.app import Cockpit
from inspan.tui.background import BackgroundTasks
from inspan.tui.dialogs.answer import AnswerDialog, Reply
from inspan.tui.dialogs.asking import Dialogs
from inspan.tui.dialogs.comment import CommentDialog, SendBackDialog
from inspan.tui.dialogs.confirm import ConfirmDialog
from inspan.tui.dialogs.dialog import Dialog
from inspan.tui.dialogs.newsession import NewSession, NewSessionDialog
from inspan.tui.dialogs.newtask import NewTask, NewTaskDialog
from inspan.tui.focus import FocusManager
from inspan.tui.screens.task import OneTask
from tests.fakes.control import FakeControl
from tests.unit.tui.test_tasks import opened, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E2")]

SIZES = [(80, 24), (60, 16)]
ALLOW = Needs("permission", "Bash: rm [bold]-rf /[/]\x1b[2J", ("allow", "deny"), id="q1", more=2)
COLOUR = Needs("question", "Which?", ("teal", "[red]"), id="q2")


class Host(App[None]):
    """Two fields behind, and what dialogs gave."""

    def __init__(self) -> None:
        super().__init__()
        clock = SystemClock()
        self.errors: list[Exception] = []
        self.background = BackgroundTasks(clock, lambda error, _: self.errors.append(error))
        self.dialogs = Dialogs(self, self.background, FocusManager(self, clock))
        self.given: list[object] = []

    def compose(self) -> ComposeResult:
        yield Input(id="a")
        yield Input(id="b")

    def open(self, dialog: Dialog[Any]) -> None:
        async def ask() -> None:
            self.given.append(await self.dialogs.ask(dialog))

        self.background.fire_and_forget(ask(), "asks")

    @property
    def held(self) -> str | None:
        return None if self.focused is None else self.focused.id


@asynccontextmanager
async def asked(
    dialog: Dialog[Any], size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Host, Pilot[Any]]]:
    """The dialog over a screen whose second field had the focus."""
    app = Host()
    async with app.run_test(size=size) as pilot:
        await pilot.press("tab")
        assert app.held == "b"
        app.open(dialog)
        await until(pilot, lambda: app.screen is dialog and app.focused is not None)
        await pilot.pause()
        yield app, pilot
        await app.background.shutdown()


async def path(app: Host, pilot: Pilot[Any], key: str, steps: int) -> list[str | None]:
    """Who has the focus, from now on and after each press."""
    found = [app.held]
    for _ in range(steps):
        await pilot.press(key)
        found.append(app.held)
    return found


async def test_the_way_through_a_permission_and_back() -> None:
    async with asked(AnswerDialog(ALLOW, "a task", diff="+ new\n")) as (app, pilot):
        order = ["asked", "diff", "option-0", "option-1", "words", "asked"]
        assert await path(app, pilot, "tab", 5) == order
        assert await path(app, pilot, "shift+tab", 5) == order[::-1]


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (["y"], "allow"),
        (["n"], "deny"),
        (["tab", "enter"], "allow"),
        (["tab", "tab", "enter"], "deny"),
        (["tab", "tab", "tab", *"no", "space", *"way", "enter"], "no way"),
        (["tab", "tab", "tab", "y", "enter"], "allow"),
    ],
)
async def test_a_permission_is_answered(keys: list[str], text: str) -> None:
    async with asked(AnswerDialog(ALLOW, "a task")) as (app, pilot):
        await pilot.press(*keys)
        await until(pilot, lambda: app.given)
        assert app.given == [Reply(text, "q1")]
        assert app.held == "b"


async def test_enter_at_once_allows_nothing_and_escape_leaves_it_open() -> None:
    async with asked(AnswerDialog(ALLOW, "a task")) as (app, pilot):
        await pilot.press("enter", "space")
        assert app.given == []
        await pilot.press("escape")
        await until(pilot, lambda: app.given)
        assert (app.given, app.held, app.errors) == ([None], "b", [])


async def test_one_word_that_is_no_option_is_a_slip_and_said_to_be() -> None:
    async with asked(AnswerDialog(ALLOW, "a task")) as (app, pilot):
        await pilot.press("tab", "tab", "tab", *"alow", "enter")
        await pilot.pause()
        assert app.given == []
        assert "none of what can be answered" in str(app.screen.query_one("#wrong").render())


@pytest.mark.parametrize(
    ("keys", "text"),
    [([*"blue", "enter"], "blue"), (["shift+tab", "enter"], "[red]"), ([*"yn", "enter"], "yn")],
)
async def test_a_question_is_answered_in_words_or_by_an_option(keys: list[str], text: str) -> None:
    async with asked(AnswerDialog(COLOUR, "a task")) as (app, pilot):
        assert app.held == "words"
        await pilot.press(*keys)
        await until(pilot, lambda: app.given)
        assert (app.given, app.held) == ([Reply(text, "q2")], "b")


async def test_what_is_asked_is_text_and_nothing_else() -> None:
    async with asked(AnswerDialog(ALLOW, "[/red] name\x1b]0;x\x07")) as (app, _):
        assert str(app.screen.query_one("#question").render()) == "Bash: rm [bold]-rf /[/]"
        assert str(app.screen.query_one("#where").render()) == "[/red] name"


@pytest.mark.parametrize(
    ("keys", "given"),
    [
        (["enter"], False),
        (["n"], False),
        (["y"], True),
        (["tab", "enter"], True),
        (["shift+tab", "shift+tab", "enter"], False),
        (["escape"], None),
    ],
)
async def test_only_who_means_it_confirms(keys: list[str], given: bool | None) -> None:
    async with asked(ConfirmDialog("Cancel", "Cancel [it]?", yes="Cancel it")) as (app, pilot):
        await pilot.press(*keys)
        await until(pilot, lambda: app.given)
        assert (app.given, app.held) == ([given], "b")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["permission", "question", "confirm"])
async def test_all_of_it_can_be_reached_in_a_small_terminal(
    size: tuple[int, int], kind: str
) -> None:
    long = "word " * 400
    dialogs: dict[str, Dialog[Any]] = {
        "permission": AnswerDialog(Needs("permission", long, ("allow", "deny")), long, diff=long),
        "question": AnswerDialog(Needs("question", long, ("one", "two")), long),
        "confirm": ConfirmDialog("Sure", "Cancel it?", yes="Yes"),
    }
    dialog = dialogs[kind]
    async with asked(dialog, size) as (app, pilot):
        box = dialog.query_one("#box").region
        assert box.width <= size[0]
        assert box.height <= size[1]
        for _ in range(len(dialog.focus_chain)):
            await pilot.press("tab")
            await pilot.pause()
            assert app.focused is not None
            assert app.focused.region.intersection(app.screen.region).area > 0


async def test_where_the_field_behind_is_gone_another_has_the_focus() -> None:
    async with asked(ConfirmDialog("Cancel", "Cancel it?", yes="Yes")) as (app, pilot):
        await app.screen_stack[0].query_one("#b").remove()
        await pilot.press("n")
        await until(pilot, lambda: app.given)
        assert app.held == "a"


async def test_who_asked_is_ended_and_its_dialog_goes_along() -> None:
    async with asked(ConfirmDialog("Cancel", "Cancel it?", yes="Yes")) as (app, pilot):
        await app.background.shutdown()
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert (app.given, app.background.active_task_count) == ([], 0)
        await until(pilot, lambda: app.held == "b")


async def test_a_handler_may_not_wait_for_a_person() -> None:
    app = Host()
    async with app.run_test():
        with pytest.raises(RuntimeError, match="only what was fired"):
            await app.dialogs.ask(ConfirmDialog("x", "x", yes="x"))


async def test_the_way_through_a_new_task_and_what_it_gives() -> None:
    async with asked(NewTaskDialog(NewTask("", folder="/w")), (60, 16)) as (app, pilot):
        order = ["what", "agent", "folder", "after", "named", "setup", "place", "start", "what"]
        assert await path(app, pilot, "tab", 8) == order
        assert await path(app, pilot, "shift+tab", 8) == order[::-1]
        await pilot.press("enter")
        assert app.given == []  # there is nothing to do yet
        await pilot.press(*"make", "tab", *"pi", "tab", "tab", *"ab", "tab", "tab", *"ci", "enter")
        await until(pilot, lambda: app.given)
        assert app.given == [NewTask("make", "pi", "/w", WorkspaceKind.HERE, "ab", "", "ci")]
        assert app.held == "b"


async def test_the_way_through_a_new_session_and_what_it_gives() -> None:
    async with asked(NewSessionDialog(NewSession(folder="/w")), (60, 16)) as (app, pilot):
        order = ["named", "folder", "python", "read", "write", "ask", "memory", "net", "sandbox"]
        order += ["open", "named"]
        assert await path(app, pilot, "tab", 10) == order
        assert await path(app, pilot, "shift+tab", 10) == order[::-1]
        for _ in order:
            await pilot.press("tab")
            await pilot.pause()
            assert app.focused is not None
            assert app.focused.region.intersection(app.screen.region).area > 0
        await pilot.press("shift+tab")
        await pilot.press(*"data", "tab", "tab", "tab", *"/a /b", "tab", "tab", *"human", "tab")
        await pilot.press(*"2G", "tab", "enter", "down", "enter", "tab", "enter", "down", "enter")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.given)
        wanted = NewSession(
            name="data",
            folder="/w",
            read="/a /b",
            ask="human",
            memory="2G",
            net=True,
            sandbox=Sandbox.REQUIRE,
        )
        assert app.given == [wanted]
        assert app.held == "b"


async def test_where_all_behind_a_new_session_is_gone_nothing_has_the_focus_and_nothing_fails() -> (
    None
):
    async with asked(NewSessionDialog(NewSession())) as (app, pilot):
        await app.screen_stack[0].query("Input").remove()
        await pilot.press("escape")
        await until(pilot, lambda: app.given)
        assert (app.given, app.held, app.errors) == ([None], None, [])


async def test_the_way_through_a_comment_and_what_it_gives() -> None:
    evil = "x = [red]1[/red]\x1b[2J"
    async with asked(CommentDialog("src/a.py:3", evil, "so"), (60, 16)) as (app, pilot):
        assert await path(app, pilot, "tab", 2) == ["words", "keep", "words"]
        assert await path(app, pilot, "shift+tab", 2) == ["words", "keep", "words"]
        assert str(app.screen.query_one("#line").render()) == "x = [red]1[/red]"
        await pilot.press("end", *" it", "enter")
        await until(pilot, lambda: app.given)
        assert (app.given, app.held) == (["so it"], "b")


@pytest.mark.parametrize("size", SIZES)
async def test_the_way_through_what_is_sent_back(size: tuple[int, int]) -> None:
    dialog = SendBackDialog("the task", "")
    async with asked(dialog, size) as (app, pilot):
        assert await path(app, pilot, "tab", 2) == ["message", "send", "message"]
        await pilot.press("ctrl+s")
        assert app.given == []  # nobody can mend what is not named
        await pilot.press(*"no", "enter", *"why", "tab", "enter")
        await until(pilot, lambda: app.given)
        assert (app.given, app.held, dialog.written) == (["no\nwhy"], "b", "no\nwhy")


async def test_what_was_written_to_be_sent_back_is_there_where_that_was_left() -> None:
    dialog = SendBackDialog("the task", "one")
    async with asked(dialog) as (app, pilot):
        await pilot.press(*"no ", "escape")
        await until(pilot, lambda: app.given)
        assert (app.given, app.held, dialog.written) == ([None], "b", "no one")


# ── in the program ────────────────────────────────────────────────────────────


async def _one(control: FakeControl) -> str:
    task = await control.submit(TaskSpec(command=("work",), name="it", cwd="/"))
    control.start(task.id)
    return task.id


async def _selected(app: Cockpit, pilot: Pilot[None], task: str, state: TaskState) -> None:
    tasks = app.tasks.tasks

    def is_drawn() -> bool:  # what is known is drawn with the next frame, and keys act on that
        tasks.select(task)
        drawn = tasks.current
        return drawn is not None and drawn.id == task and drawn.state is state

    await until(pilot, is_drawn)
    await pilot.pause()


@pytest.mark.requirement("B3")
async def test_a_waiting_task_is_answered_by_its_key() -> None:
    control = FakeControl()
    task = await _one(control)
    control.asks(task, "Go on?")
    async with opened(control) as (app, pilot):
        await _selected(app, pilot, task, TaskState.WAITING)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AnswerDialog))
        await pilot.pause()
        await pilot.press(*"yes", "enter")
        await until(pilot, lambda: control.tasks[task].state is TaskState.RUNNING)
        await until(pilot, lambda: app.focused is app.tasks.tasks)


def _listed(app: Cockpit) -> list[Task]:
    found = [app.tasks.tasks.listing.get(one) for one in app.known.tasks]
    return [task for task in found if task is not None]


async def test_who_answers_where_nothing_is_asked_is_led_to_what_asks() -> None:
    control = FakeControl()
    asking = [await _one(control), await _one(control)]
    for task in asking:
        control.asks(task, "Go on?")
    quiet = await _one(control)
    async with opened(control) as (app, pilot):
        await _selected(app, pilot, quiet, TaskState.RUNNING)
        await pilot.press("a")  # there are two: the one on top
        await until(pilot, lambda: app.tasks.tasks.selected == asking[1])
        assert app.screen is app.tasks
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AnswerDialog))
        await pilot.pause()
        await pilot.press(*"yes", "enter")
        await until(pilot, lambda: control.tasks[asking[1]].state is TaskState.RUNNING)
        listed = app.tasks.tasks
        await until(pilot, lambda: listed.current is not None and listed.current.needs is None)
        await pilot.press("a")
        await until(pilot, lambda: app.tasks.tasks.selected == asking[0])
        await control.answer(asking[0], "yes")
        # What a key is about is what the list shows, which is drawn a moment after it is known.
        await until(pilot, lambda: not any(one.needs for one in _listed(app)))
        await pilot.press("a")
        await until(pilot, lambda: _said(app) == ["no task asks anything"])
        assert app.screen is app.tasks


async def test_what_there_is_no_use_in_is_a_line_and_no_dialog() -> None:
    control = FakeControl()
    running, over = await _one(control), await _one(control)
    control.ends(over)
    async with opened(control) as (app, pilot):
        await _selected(app, pilot, running, TaskState.RUNNING)
        await pilot.press("u")
        await until(pilot, lambda: _said(app) == ["it was not interrupted"])
        await pilot.press("i")
        await _selected(app, pilot, running, TaskState.INTERRUPTED)
        await pilot.press("i")
        await until(pilot, lambda: "it is interrupted already" in _said(app))
        await _selected(app, pilot, over, TaskState.COMPLETED)
        for key in "ic":
            app.clear_notifications()
            await pilot.press(key)
            await until(pilot, lambda: _said(app) == ["it is over"])
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, OneTask))
        await pilot.press("A")
        await until(pilot, lambda: "it asks nothing" in _said(app))
        assert isinstance(app.screen, OneTask)
        assert not app.complaints.is_showing


def _said(app: Cockpit) -> list[str]:
    return [one.message for one in app._notifications]


async def test_a_task_is_interrupted_goes_on_and_is_cancelled_by_keys() -> None:
    control = FakeControl()
    task = await _one(control)
    async with opened(control) as (app, pilot):
        await _selected(app, pilot, task, TaskState.RUNNING)
        await pilot.press("i")
        await _selected(app, pilot, task, TaskState.INTERRUPTED)
        await pilot.press("u")
        await until(pilot, lambda: control.tasks[task].state is not TaskState.INTERRUPTED)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is app.tasks)
        assert control.tasks[task].state is not TaskState.CANCELLED
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("y")
        await until(pilot, lambda: control.tasks[task].state is TaskState.CANCELLED)


@pytest.mark.requirement("E3")
async def test_what_control_refuses_is_shown_with_its_hint_and_nothing_is_left_beside() -> None:
    control = FakeControl()
    task = await _one(control)
    async with opened(control) as (app, pilot):
        control.asks(task, "Go on?")
        await _selected(app, pilot, task, TaskState.WAITING)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AnswerDialog))
        await control.answer(task, "somebody else was faster")
        await pilot.press(*"yes", "enter")
        await until(pilot, lambda: app.complaints.is_showing and app.screen is not app.tasks)
        assert app.screen.query_one("#box").border_title == "illegal-transition"
        await pilot.press("escape")
        await until(pilot, lambda: app.focused is app.tasks.tasks)
        background = app.background
    assert background.active_task_count == 0
    with anyio.fail_after(30):
        assert await background.shutdown() == ()


def test_what_is_written_is_a_session_as_the_command_line_has_it(tmp_path: Path) -> None:
    new = NewSession(
        name="it",
        folder=str(tmp_path),
        read="'/a b' ~/c",
        write="/d",
        ask="human, http=https://x.example",
        memory="2G",
        net=True,
        sandbox=Sandbox.REQUIRE,
    )
    spec = _session_made(new)
    assert (spec.name, spec.cwd, spec.limits.memory) == ("it", str(tmp_path), 2 << 30)
    assert spec.grants == Grants(
        read=("/a b", str(Path.home() / "c")),
        write=("/d",),
        net=True,
        sandbox=Sandbox.REQUIRE,
        capabilities=("human", "http=https://x.example"),
    )
    plain = _session_made(NewSession())
    assert (plain.name, plain.cwd, plain.grants) == (None, str(Path.cwd()), Grants())
    for wrong in (NewSession(memory="much"), NewSession(read="'")):
        with pytest.raises(BadInput):
            _session_made(wrong)
    with pytest.raises(FolderMissing):
        _session_made(NewSession(folder=str(tmp_path / "none")))


def test_what_is_written_is_a_task_as_the_command_line_has_it(tmp_path: Path) -> None:
    folder = WorkspaceKind.FOLDER
    spec = _made(NewTask("echo 'a b' | wc", "", str(tmp_path), folder, "aaaa,bbbb", "it"))
    assert spec.command == ("/bin/sh", "-c", "echo 'a b' | wc")
    assert (spec.cwd, spec.workspace, spec.name) == (str(tmp_path), folder, "it")
    assert (spec.after, spec.provider, spec.prompt) == (("aaaa", "bbbb"), "shell", None)
    assert _made(NewTask("-x [mend] it", "claude", str(tmp_path))).prompt == "-x [mend] it"
    set_up = NewTask("true", "", str(tmp_path), folder, setup="-x; npm ci")
    assert _made(set_up).setup == ("-x; npm ci",)
    with pytest.raises(FolderMissing):
        _made(NewTask("true", "", str(tmp_path / "none")))
