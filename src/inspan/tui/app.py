"""The program of ``inspan tui``: what is known, the screen that shows it, and what goes on beside.

It speaks to Control alone, and knows neither where that is nor how it is reached.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, ClassVar, Final

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import Monochrome
from textual.screen import Screen

from inspan.clock import SystemClock
from inspan.control import Control
from inspan.errors import InspanError, Unable
from inspan.model.code import CodeSession
from inspan.model.event import Event
from inspan.model.metrics import Sample
from inspan.model.task import Task
from inspan.telling import phrases
from inspan.tui import quirks
from inspan.tui.acting import Acting, Make, in_vain
from inspan.tui.aiming import Aiming, MakeGoal
from inspan.tui.background import Fired
from inspan.tui.clock import Clock
from inspan.tui.coding import Coding, MakeSession
from inspan.tui.colourless import Colourless
from inspan.tui.headway import Headway
from inspan.tui.judging import Judging
from inspan.tui.known import Known, Link
from inspan.tui.layout import Layout
from inspan.tui.living import Kind, Living
from inspan.tui.log import MOST
from inspan.tui.screens.cells import Cells
from inspan.tui.screens.diff import Diff
from inspan.tui.screens.frame import Frame
from inspan.tui.screens.goal import GoalScreen, is_goal
from inspan.tui.screens.graph import Graph
from inspan.tui.screens.help import Help
from inspan.tui.screens.kernels import Kernels
from inspan.tui.screens.load import Load, Measured
from inspan.tui.screens.log import Happened
from inspan.tui.screens.replay import ReplayScreen
from inspan.tui.screens.sessions import SessionsScreen, title
from inspan.tui.screens.task import OneTask
from inspan.tui.screens.tasks import Tasks
from inspan.tui.screens.terminal import TerminalScreen
from inspan.tui.stage import Stage
from inspan.tui.surviving import Surviving
from inspan.tui.theme import DARK, LIGHT, THEMES
from inspan.tui.unsent import Unsent
from inspan.tui.view import TerminalView

#: Ctrl-\\, as of `inspan attach` where nothing else is set.
LEAVE: Final = 0x1C
#: Drawings in a second at most, whatever happens.
_FRAMES: Final = 12
#: Seconds without a key after which the next is not expected at once.
_REST: Final = 0.4
#: Seconds for which such a line is seen.
_MOMENT: Final = 3.0
#: What is done with the task that is looked at.
_OF_A_TASK: Final = ("terminal", "replay", "diff")


async def _nothing() -> None:
    """Nobody has to be revived."""


class Cockpit(Surviving[None]):
    """``where`` names the daemon, where it is another machine's."""

    CSS_PATH = "app.tcss"
    TITLE = "inspan"
    HELP_TITLE: ClassVar[str] = "Everywhere"
    HELP_MORE: ClassVar[tuple[tuple[str, str], ...]] = (("Ctrl-P", "commands by name"),)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "terminal", "Terminal", tooltip="the terminal of a task"),
        Binding("d", "diff", "Changes", tooltip="what a task changed, to be decided"),
        Binding("r", "replay", "Replay", show=False, tooltip="play the recording of a task"),
        Binding("g", "graph", "Graph", show=False, tooltip="what waits for what"),
        Binding("p", "load", "Load", show=False, tooltip="how much is done, and what it takes"),
        Binding("S", "sessions", "Sessions", show=False, tooltip="what lives"),
        Binding("K", "kernels", "Code sessions", show=False),
        Binding("L", "happened", "Events", show=False, tooltip="what happened lately"),
        Binding("T", "dark_or_light", "Dark or light", show=False),
        Binding("question_mark", "help", "Help", key_display="?", tooltip="these keys"),
        Binding("q", "quit", "Quit", tooltip="quit; what runs goes on"),
        Binding("ctrl+c", "quit", "Quit", show=False, tooltip="quit, from anywhere"),
    ]

    def __init__(
        self,
        control: Control,
        *,
        where: str = "",
        revive: Callable[[], Awaitable[None]] = _nothing,
        clock: Clock | None = None,
        leave: int = LEAVE,
        make: Make | None = None,
        make_session: MakeSession | None = None,
        make_goal: MakeGoal | None = None,
        write: Callable[[str], str] | None = None,
        colourless: bool = False,
        sweep: Callable[[], None] = lambda: None,
        unsent: Path | None = None,
    ) -> None:
        """``sweep`` is done now and then, while nobody types; ``write`` has a text edited.

        ``unsent`` is where comments are kept that were not sent.
        """
        quirks.mend()
        super().__init__()
        # Textual makes greys of colours, also where NO_COLOR is empty, which is as if it was unset.
        kept = [one for one in self._filters if not isinstance(one, Monochrome)]
        self._filters = [Colourless()] if colourless else kept
        self.set_class(colourless, "-colourless")
        #: What somebody goes to is there at once: over SSH each step of a movement is a picture.
        self.animation_level = "none"
        self.control = control
        self.clock: Clock = clock or SystemClock()
        self.parts = Layout(self, self.clock)
        self.focuses, self.dialogs = self.parts.focuses, self.parts.dialogs
        self.complaints, self.background = self.parts.complaints, self.parts.background
        #: The control that leaves a terminal which somebody types into.
        self.leave_key = leave
        self.acting = Acting(self.control, self.dialogs, make)
        self.judging = Judging(self.control, self.dialogs, Unsent(unsent, self.say))
        self._edit = write
        self.aiming = Aiming(self.control, self.dialogs, make_goal, self._written, self.say)
        self.coding = Coding(self.control, self.dialogs, make_session)
        self._sweep = sweep
        self._typed_at = float("-inf")
        self.where = where
        self.known = Known(
            control, heard=self._heard, told=self._told, revive=revive, clock=self.clock
        )
        self.headway = Headway(control, self.known, self.begin, self._redraw)
        self.stage = Stage(self)
        self.measured = Measured(control, self.known)
        #: What happened since this began, and a little of what did before; the newest last.
        self.happened: list[Event] = []
        self._untold: list[Event] = []
        self._changed: set[str] = set()
        self._all = self._due = self._measures = False
        #: How much is done, where that is known.
        self.sample: Sample | None = None

    def on_mount(self) -> None:
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK.name
        self.tasks = Tasks(self)
        self.push_screen(self.tasks)
        self.set_interval(1 / _FRAMES, self._paint)
        self.set_interval(1.0, self._tick)
        self.begin(self.known.run(), "what is known")

    def begin(self, work: Coroutine[Any, Any, object], name: str) -> Fired:
        """Do something beside; the one way to. What is given back is for who may want to end it."""
        return self.background.fire_and_forget(work, name)

    def act(self, verb: str, task: Task) -> None:
        """Have something done with a task; it may wait for a person."""
        if words := in_vain(verb, task):
            self.say(words)
        else:
            self.begin(getattr(self.acting, verb)(task), verb)

    def say(self, words: str) -> None:
        """A line for a moment, where nothing has failed and nothing is to be done."""
        self.notify(words, timeout=_MOMENT, markup=False)

    def complain(self, error: Exception, part: object) -> None:
        """Show what failed, and go on."""
        self.complaints.complain(error, part=part)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key):
            self.focuses.noticed_key()
            self._typed_at = self.clock.monotonic()
        await super().on_event(event)

    async def on_unmount(self) -> None:
        await self.parts.close()

    # ── screens ───────────────────────────────────────────────────────────────

    def open_task(self, task_id: str) -> None:
        """Show all of a task; of a goal, how far it is."""
        if is_goal(self.known.tasks.get(task_id)):
            goal = self.stage.take(GoalScreen, lambda: GoalScreen(self, task_id))
            goal.show(task_id)
            self.push_screen(goal)
        else:
            self.open_whole(task_id)

    def open_whole(self, task_id: str) -> None:
        """Show all of a task, whatever it is."""
        screen = self.stage.take(OneTask, lambda: OneTask(self, task_id))
        screen.show(task_id)
        self.push_screen(screen)

    def open_session(self, one: Living) -> None:
        """Show the terminal of what lives, or the cells of code."""
        if one.kind is Kind.CODE:
            self.begin(self._open_code(one.owner), "a code session")
            return
        self._show_terminal(title(one), one.session)

    def open_cells(self, session: CodeSession) -> None:
        """Show the cells of a code session."""
        self.push_screen(Cells(self, session))

    async def _open_code(self, session: str) -> None:
        self.open_cells(await self.control.code.get(session))

    def action_terminal(self) -> None:
        """Show the terminal of the task that is looked at."""
        task = self._looked_at()
        if task is not None and task.session is not None:
            self._show_terminal(phrases.title(task.spec), task.id)

    def _show_terminal(self, heading: str, session: str) -> None:
        screen = self.stage.take(TerminalScreen, lambda: TerminalScreen(self, heading, session))
        screen.show(heading, session)
        self.push_screen(screen)

    def action_replay(self) -> None:
        """Play the recording of the task that is looked at."""
        task = self._looked_at()
        if task is not None and task.session is not None:
            screen = self.stage.take(ReplayScreen, lambda: ReplayScreen(self, task))
            screen.show(task)
            self.push_screen(screen)

    def action_diff(self) -> None:
        """Show what the task changed that is looked at."""
        task = self._looked_at()
        if task is not None:
            self.push_screen(Diff(self, task))

    async def action_quit(self) -> None:
        """End, unless comments would be lost that somebody wants to send."""
        if self.judging.unsent:
            self.begin(self._quit(), "quit")
        else:
            self.exit()

    async def _quit(self) -> None:
        if await self.judging.may_go():
            self.exit()

    def _looked_at(self) -> Task | None:
        if isinstance(self.screen, OneTask | SessionsScreen | GoalScreen):
            return self.screen.current
        return self.tasks.tasks.current if self.screen is self.tasks else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While somebody types into a terminal, no key is ours; of a task is what shows one."""
        if isinstance(self.focused, TerminalView) and self.focused.keys is not None:
            return False
        if action in _OF_A_TASK and not isinstance(
            self.screen, Tasks | OneTask | SessionsScreen | GoalScreen
        ):
            return False
        return super().check_action(action, parameters)

    def action_graph(self) -> None:
        """Show what waits for what."""
        self._visit(Graph)

    def action_load(self) -> None:
        """Show how much is done and what that takes."""
        self._visit(Load)

    def action_sessions(self) -> None:
        """Show all sessions that live."""
        self._visit(SessionsScreen)

    def action_kernels(self) -> None:
        """Show all code sessions."""
        self._visit(Kernels)

    def action_happened(self) -> None:
        """Show what happened."""
        self._visit(Happened)

    def action_help(self) -> None:
        """Show the keys."""
        if not isinstance(self.screen, Help):
            screen = self.stage.take(Help, Help)
            screen.show(self.screen)
            self.push_screen(screen)

    def action_dark_or_light(self) -> None:
        """The other theme."""
        self.theme = LIGHT.name if self.theme == DARK.name else DARK.name

    def _visit(self, kind: type[Graph | Load | SessionsScreen | Kernels | Happened]) -> None:
        """Go back to that screen where one came from it, so that the way back stays short."""
        if any(isinstance(screen, kind) for screen in self.screen_stack):
            while not isinstance(self.screen, kind):
                self.pop_screen()
        else:
            self.push_screen(self.stage.take(kind, lambda: kind(self)))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers."""
        del screen
        yield SystemCommand("Graph", "What waits for what", self.action_graph)
        yield SystemCommand("Load", "How much is done and what that takes", self.action_load)
        yield SystemCommand("Sessions", "What lives, and what it takes", self.action_sessions)
        yield SystemCommand("Code sessions", "Python that stays", self.action_kernels)
        yield SystemCommand(
            "New goal", "Planned, done, reviewed and merged", self.tasks.action_new_goal
        )
        yield SystemCommand("New code session", "Its name, and what it may", self._new_session)
        yield SystemCommand("Log", "What happened", self.action_happened)
        yield SystemCommand("Search", "Only tasks with these words", self._search)
        yield SystemCommand("Dark or light", "The other theme", self.action_dark_or_light)
        yield SystemCommand("Help", "All keys", self.action_help)
        yield SystemCommand("Quit", "What runs goes on", self.action_quit)

    def _written(self, text: str) -> str:
        """What a person makes of it in their editor, which has the terminal meanwhile."""
        if self._edit is None:
            raise Unable("here no editor can be started")
        with self.suspend():
            return self._edit(text)

    def _new_session(self) -> None:
        self.action_kernels()
        if isinstance(self.screen, Kernels):
            self.call_after_refresh(self.screen.action_new)

    def _search(self) -> None:
        while self.screen is not self.tasks:
            self.pop_screen()
        self.tasks.action_search()

    # ── what is known ─────────────────────────────────────────────────────────

    def _heard(self, task_id: str | None) -> None:
        self._due = True
        if task_id is None:
            self._all = True
        elif task_id:
            self._changed.add(task_id)

    def _told(self, event: Event) -> None:
        self._untold.append(event)
        if len(self._untold) > MOST:  # more than are kept
            del self._untold[:-MOST]

    def _paint(self) -> None:
        """Draw once what happened since the last frame."""
        screen = self.screen
        if self._untold:
            told, self._untold = self._untold, []
            self.happened = [*self.happened, *told][-MOST:]
            if isinstance(screen, Frame):
                screen.told(told)
        if not self._due:
            return
        changed = None if self._all else self._changed
        self._due, self._all, self._changed = False, False, set()
        self.headway.heard(changed)
        self._redraw(changed)

    def _redraw(self, changed: set[str] | None) -> None:
        for shown in {self.tasks, self.screen}:
            if isinstance(shown, Frame) and shown.is_mounted:
                shown.heard(changed)

    def _tick(self) -> None:
        if self.known.link is Link.LIVE:
            self.begin(self.measure(), "a look at the rate")
            self.headway.tick()
        frames = (screen for screen in reversed(self.screen_stack) if isinstance(screen, Frame))
        if isinstance(self.screen, Frame):
            self.screen.tick()
        elif (behind := next(frames, None)) is not None:
            behind.header.draw(self.sample)  # it is seen behind a dialog, and has the time of day
        if self.clock.monotonic() - self._typed_at > _REST:
            self._sweep()

    async def measure(self) -> None:
        """Ask for the figures, and for those of a minute where they are shown."""
        if self._measures:
            return
        self._measures = True
        try:
            await self.measured.look(over=isinstance(self.screen, Load))
            self.sample = self.measured.now
        except InspanError:
            self.sample = None  # the header tells why
        finally:
            self._measures = False
        if isinstance(self.screen, Load):
            self.screen.draw()
