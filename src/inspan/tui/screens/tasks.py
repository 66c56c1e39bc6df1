"""The screen that one begins with: all tasks in their groups, and the one that is selected."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from inspan.errors import InspanError, TaskNotFound
from inspan.model.event import Event
from inspan.model.task import Task
from inspan.telling.groups import Group
from inspan.tui.detail import NO_TASK, Detail, Looking
from inspan.tui.focus import hand_to
from inspan.tui.list import TaskList
from inspan.tui.log import Log
from inspan.tui.screens.frame import Frame

if TYPE_CHECKING:
    from inspan.tui.app import Cockpit

#: Seconds for which somebody rests on a task before it is looked into.
_REST: Final = 0.15
_NOT_FOUND: Final = "No task has these words. Esc shows all."
#: Events that are told when somebody asks what happens.
HAPPENED: Final = 100


class Tasks(Frame):
    """The list, beside it or under it the detail, and below that what happens."""

    AUTO_FOCUS = "TaskList"
    HELP_TITLE: ClassVar[str] = "Tasks"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "New", tooltip="a new task"),
        Binding("N", "new_goal", "New goal", show=False, tooltip="a new goal"),
        Binding("a", "answer", "Answer", tooltip="answer what it asks, or go to one that asks"),
        Binding("i", "act('interrupt')", "Interrupt", show=False),
        Binding("u", "act('resume')", "Take up again", show=False),
        Binding("c", "act('cancel')", "Cancel", show=False),
        Binding(
            "slash", "search", "Search", key_display="/", tooltip="only tasks with these words"
        ),
        Binding("escape", "all", "Show all", show=False),
        Binding("D", "detail", "Hide or show the detail", show=False),
        Binding("l", "log", "Log", show=False, tooltip="hide or show what happens"),
    ]

    def __init__(self, app: Cockpit) -> None:
        super().__init__(app, "tasks")
        self._looking = Looking(app.control)
        self.tasks = TaskList(app.known, self._older, app.clock.now)
        self.tasks.before = lambda task: app.judging.told(task) + app.headway.told(task)
        self.detail = Detail(app.clock.now)
        self.happens = Log(app.known, name="log")
        self.words = Input(id="search", placeholder="words of tasks", select_on_focus=False)
        self._fetching: set[Group] = set()
        self._looks = self._looks_again = False

    def body(self) -> ComposeResult:
        yield self.tasks
        yield self.detail

    def below(self) -> ComposeResult:
        yield self.words
        yield self.happens

    def on_mount(self) -> None:
        self.words.display = self.happens.display = False

    # ── what is known ─────────────────────────────────────────────────────────

    def heard(self, ids: set[str] | None) -> None:
        super().heard(ids)
        self.tasks.changed(ids)

    def told(self, events: list[Event]) -> None:
        if self.happens.display:
            self.happens.tell(events)

    def tick(self) -> None:
        super().tick()
        self.tasks.refresh()
        task = self.tasks.current
        if task is not None and not task.settled:
            self._look()

    def _older(self, group: Group) -> None:
        """Read on, once: this is asked by every row that is drawn."""
        if group not in self._fetching:
            self._fetching.add(group)
            self.app.begin(self._fetch(group), "older tasks")

    async def _fetch(self, group: Group) -> None:
        try:
            await self.app.known.more(group)
        except InspanError:
            pass  # the header tells; the next drawing asks again
        finally:
            self._fetching.discard(group)

    # ── the detail ────────────────────────────────────────────────────────────

    @on(TaskList.Selected)
    def selected(self, message: TaskList.Selected) -> None:
        """Show what is known, and look for the rest once somebody rests on it."""
        self.detail.nothing = _NOT_FOUND if self.words.value else NO_TASK
        self.detail.show(message.task)
        self.set_timer(_REST, self._look)

    def _look(self) -> None:
        if self._looks:
            self._looks_again = True
        elif self.tasks.current is not None and self.detail.display:
            self._looks = True
            self.app.begin(self._looked(self.tasks.current), "a look at a task")

    async def _looked(self, task: Task) -> None:
        try:
            looked = await self._looking.look(task)
        except TaskNotFound:
            self.app.known.forget(task.id)
            return
        except InspanError:
            return  # the header tells
        finally:
            self._looks = False
        if self.tasks.current is not None and self.tasks.current.id == task.id:
            self.detail.show(self.tasks.current, looked)
        if self._looks_again:
            self._looks_again = False
            self._look()

    def action_new(self) -> None:
        """Hand in a task."""
        self.app.begin(self._new(self.app.acting.new()), "a new task")

    def action_new_goal(self) -> None:
        """Hand in a goal."""
        self.app.begin(self._new(self.app.aiming.new()), "a new goal")

    async def _new(self, making: Awaitable[Task | None]) -> None:
        if (task := await making) is not None:
            self.tasks.expect(task.id)

    def action_act(self, verb: str) -> None:
        """Have something done with the selected task; it may wait for a person."""
        task = self.tasks.current
        if task is not None:
            self.app.act(verb, task)

    def action_answer(self) -> None:
        """Answer what the selected task asks; where it asks nothing, go to the next that does."""
        task = self.tasks.current
        if task is not None and task.needs is not None:
            self.action_act("answer")
        elif (asking := self.tasks.listing.asking(self.tasks.selected)) is not None:
            self.tasks.select(asking.id)
        elif task is not None:
            self.app.say("no task asks anything")

    def action_detail(self) -> None:
        """Show the detail, or give its room to the list."""
        self.set_class(not self.has_class("-alone"), "-alone")

    def action_log(self) -> None:
        """Show what happens, or not."""
        self.happens.display = not self.happens.display
        if self.happens.display:
            self.happens.clear()
            self.happens.tell(self.app.happened[-HAPPENED:])

    # ── a search ──────────────────────────────────────────────────────────────

    def action_search(self) -> None:
        """Have somebody type what the tasks are to hold that are shown."""
        self.words.display = True
        hand_to(self.words)

    def action_all(self) -> None:
        """Show all tasks again."""
        self.words.value = ""
        self.words.display = False
        hand_to(self.tasks)

    @on(Input.Changed, "#search")
    def _typed(self, event: Input.Changed) -> None:
        self.tasks.want(event.value)

    @on(Input.Submitted, "#search")
    def _searched(self, event: Input.Submitted) -> None:
        if event.value:
            hand_to(self.tasks)
        else:
            self.action_all()

    @on(TaskList.Opened)
    def _opened(self, message: TaskList.Opened) -> None:
        self.app.open_task(message.task.id)
