"""The screen with all sessions that live, over a Control in memory."""

from __future__ import annotations

import pytest

from inspan.model.ids import check_id, command_id, setup_id
from inspan.model.metrics import Metrics, MetricsQuery, Sample, SessionUse, Totals
from inspan.model.session import Resized
from inspan.model.task import TaskState
from inspan.tui.dialogs.confirm import ConfirmDialog
from inspan.tui.living import Kind, living
from inspan.tui.screens.sessions import SessionsScreen
from inspan.tui.screens.terminal import TerminalScreen
from tests.fakes.control import FakeControl
from tests.unit.tui.terminals import seen as seen_in
from tests.unit.tui.test_tasks import _add, opened, seen, until

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("E4")]

CODE = "py-01hf87rwzr0000000000000000-1"


def _use(
    session: str, owner: str, processes: int = 1, rss: int = 1, cpu: float = 0.0
) -> SessionUse:
    return SessionUse(session=session, owner=owner, processes=processes, rss_bytes=rss, cpu=cpu)


class Measured(FakeControl):
    """Its monitor saw what the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.uses: list[SessionUse] = []

    async def metrics(self, query: MetricsQuery = MetricsQuery()) -> Metrics:
        del query
        now = Sample(at=1.0, span=1.0, sessions=tuple(self.uses))
        return Metrics(now, (now,), Totals(since=0.0))


async def _running(control: FakeControl, name: str) -> str:
    task = await _add(control, name)
    return control.start(task).session or ""


async def test_what_lives_is_told_of_tasks_at_once_and_of_the_rest_by_what_was_measured() -> None:
    control = FakeControl()
    old, new = await _running(control, "old"), await _running(control, "new")
    over = await _running(control, "over")
    control.ends(over[:26])
    odd = [_use(name, "?", 1, 1, 0.0) for name in ("../x", CODE, over)]
    uses = [_use(command_id(old, 3), old[:26], 1, 5, 0.5), *odd]
    uses.append(_use(check_id(over, 0), over[:26], 1, 7, 0.0))
    uses.append(_use(setup_id(over, 0), over[:26], 1, 7, 0.0))
    found = living(control.tasks, uses)
    wanted = [
        (check_id(over, 0), Kind.CHECK),
        (setup_id(over, 0), Kind.SETUP),
        (new, Kind.TASK),
        (old, Kind.TASK),
        (command_id(old, 3), Kind.COMMAND),
        (CODE, Kind.CODE),
    ]
    assert [(one.session, one.kind) for one in found] == wanted
    assert found[-1].owner == CODE.removesuffix("-1")


async def test_they_are_seen_with_what_they_take_and_enter_leads_to_the_terminal_and_back() -> None:
    control = Measured()
    session = await _running(control, "[red]one[/red]\x1b]0;x\x07")
    control.prints(session[:26], b"prompt> ")
    control.sessions[session].sizes.append(Resized(0, 100, 40))
    control.uses = [_use(session, session[:26], 3, 70 << 20, 0.25)]
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        await pilot.press("S")
        await until(pilot, lambda: "100x40" in seen(app) and "70 MB" in seen(app))
        assert "[red]one[/red]" in seen(app)
        assert "\x1b" not in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TerminalScreen))
        screen = app.screen
        assert isinstance(screen, TerminalScreen)
        await until(pilot, lambda: screen.pane is not None and "prompt>" in seen_in(screen.pane))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        assert app.focused is app.screen.query_one("#sessions")
        await pilot.press("q")
        await until(pilot, lambda: app.screen is app.tasks)


@pytest.mark.parametrize(
    ("key", "then"), [("i", TaskState.INTERRUPTED), ("c", TaskState.CANCELLED)]
)
async def test_only_who_means_it_ends_one(key: str, then: TaskState) -> None:
    control = FakeControl()
    session = await _running(control, "one")
    task = session[:26]
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: app.tasks.tasks.current is not None)
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen) and app.screen.current)
        rows = app.screen.query_one("#sessions")
        for answer, state in (("enter", TaskState.RUNNING), ("y", then)):
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
            await pilot.pause()
            await pilot.press(answer)
            await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
            await until(pilot, lambda state=state: control.tasks[task].state is state)  # type: ignore[misc]
        await until(pilot, lambda: "Nothing runs" in seen(app))
        await pilot.press(key)  # of nothing nothing is asked
        await pilot.pause()
        assert isinstance(app.screen, SessionsScreen)
        await _running(control, "two")
        await until(pilot, lambda: "two" in seen(app) and app.focused is rows)


async def test_where_one_ends_under_the_cursor_its_neighbour_has_it() -> None:
    control = FakeControl()
    names = [await _running(control, f"task {place}") for place in range(3)]
    async with opened(control) as (app, pilot):
        await until(pilot, lambda: len(app.known.tasks) == 3)
        await pilot.press("S", "down")
        screen = app.screen
        assert isinstance(screen, SessionsScreen)
        await until(pilot, lambda: screen.chosen and screen.chosen.session == names[1])
        control.ends(names[2][:26])  # the one above
        await until(pilot, lambda: len(screen.rows.options) == 2)
        assert screen.rows.chosen == names[1]
        control.ends(names[1][:26])
        await until(pilot, lambda: screen.rows.chosen == names[0])
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "task 0" in str(app.screen.query_one("#question").render())


async def test_in_the_smallest_terminal_it_waits_and_is_there_again() -> None:
    control = FakeControl()
    await _running(control, "the one")
    async with opened(control, (20, 5)) as (app, pilot):
        await pilot.press("S")
        await until(pilot, lambda: "too small" in seen(app))
        await pilot.resize_terminal(44, 14)
        await until(pilot, lambda: "the one" in seen(app))
