"""The screen of one goal: how far it is, what it asks, and its steps as a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static

from inspan.model.pursuit import Pursuit
from inspan.model.task import Task, TaskKind
from inspan.tui import steps
from inspan.tui.focus import hand_to
from inspan.tui.graphview import GraphView
from inspan.tui.rows import Rows
from inspan.tui.screens.frame import Frame

if TYPE_CHECKING:
    from inspan.tui.app import Cockpit


class GoalScreen(Frame):
    """It stays open, with what was known last, where the goal is deleted."""

    DEFAULT_CSS = """
    GoalScreen #goal-about { height: auto; max-height: 50%; padding: 0 1; }
    GoalScreen #steps { padding: 0 1; }
    GoalScreen #step { height: auto; max-height: 4; padding: 0 1; border-top: solid $panel; }
    GoalScreen.-graph.-low #goal-about { max-height: 3; }
    """
    AUTO_FOCUS = "Rows, GraphView"
    HELP_TITLE: ClassVar[str] = "A goal"
    HELP_MORE: ClassVar[tuple[tuple[str, str], ...]] = (("Enter", "the task of a step"),)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.back", "Back"),
        Binding("a", "aim('answer')", "Answer", tooltip="approve its plan, or what else it asks"),
        Binding("e", "aim('edit')", "Edit", tooltip="edit its plan, in $EDITOR"),
        Binding("g", "graph", "Graph", tooltip="its steps as a graph, or as a tree"),
        Binding("o", "whole", "Facts", tooltip="all facts of its task, and what it says"),
        Binding("t", "app.terminal", "Terminal", show=False, tooltip="what it prints"),
        Binding("i", "act('interrupt')", "Interrupt", show=False),
        Binding("u", "act('resume')", "Take up again", show=False),
        Binding("c", "act('cancel')", "Cancel", show=False),
    ]

    def __init__(self, app: Cockpit, goal: str) -> None:
        super().__init__(app, "goal")
        self.goal = goal
        self._last = app.known.tasks.get(goal)
        self._about = Static("", markup=False, id="goal-about")
        self._steps = Rows("steps")
        self._graph = GraphView()
        self._step = Static("", markup=False, id="step")

    def show(self, goal: str) -> None:
        """Show this one, from when it is on the screen."""
        if goal != self.goal:
            self.goal, self._last = goal, None
            self._steps.show(())

    @property
    def current(self) -> Task | None:
        """The goal."""
        self._last = self.app.known.tasks.get(self.goal) or self._last
        return self._last

    def body(self) -> ComposeResult:
        with Vertical():
            yield self._about
            yield self._steps
            yield self._graph
            yield self._step

    def on_mount(self) -> None:
        self._arrange()

    def resumed(self) -> None:
        self.app.headway.want(self.goal)
        self.app.headway.look()
        self.fill()

    def heard(self, ids: set[str] | None) -> None:
        super().heard(ids)
        if ids is None or self.goal in ids:
            self.fill()

    def tick(self) -> None:
        super().tick()
        self.fill()

    @property
    def _width(self) -> int:
        return max(20, self.size.width - 2)

    # ── drawing ───────────────────────────────────────────────────────────────

    @on(Rows.Fitted)
    def fill(self) -> None:
        """Draw what is known; each line that stays the same stays."""
        task, found = self.current, self.app.headway.of(self.goal)
        if task is None:
            return
        now = self.app.clock.now()
        self._about.update(Text("\n").join(steps.about(task, found, self._width, now)))
        self._steps.show([] if found is None else list(steps.lines(found, self._width, now)))
        if self._graph.display:
            self._draw_graph(found)

    def _draw_graph(self, found: Pursuit | None) -> None:
        planned = () if found is None or found.plan is None else found.plan.steps
        states = {} if found is None else {one.name: one.state for one in found.steps}
        self._graph.show({step.name: step.after for step in planned}, states)
        self._tell()

    @on(GraphView.Pointed)
    def _tell(self) -> None:
        """What the graph has no room for, of the step that is pointed at."""
        found, name = self.app.headway.of(self.goal), self._graph.chosen
        if found is None or name is None:
            self._step.update("")
        else:
            told = steps.step(found, name, self._width, self.app.clock.now())
            self._step.update(Text("\n").join(told))

    def action_graph(self) -> None:
        """The steps as a graph, or again as a tree; the same step is pointed at."""
        self.toggle_class("-graph")
        self._arrange()
        if self._graph.display:
            self._draw_graph(self.app.headway.of(self.goal))
            self._graph.point(self._steps.chosen)
            hand_to(self._graph)
        else:
            self._steps.choose(self._graph.chosen)
            hand_to(self._steps)

    def _arrange(self) -> None:
        """At once, and not by a style that is found later: the next key is for what is seen."""
        as_graph = self.has_class("-graph")
        self._steps.display = not as_graph
        self._graph.display = self._step.display = as_graph

    # ── what somebody does ────────────────────────────────────────────────────

    @on(OptionList.OptionSelected)
    def _opened(self, event: OptionList.OptionSelected) -> None:
        self._open(event.option_id)

    @on(GraphView.Opened)
    def _opened_in_graph(self, event: GraphView.Opened) -> None:
        self._open(event.name)

    def _open(self, name: str | None) -> None:
        found = self.app.headway.of(self.goal)
        told = () if found is None else found.steps
        step = next((one for one in told if one.name == name), None)
        if step is None or step.task is None:
            self.app.say("nobody has begun it yet")
        else:
            self.app.open_task(step.now or step.task)

    def action_act(self, verb: str) -> None:
        """Have something done with the goal."""
        if (task := self.current) is not None:
            self.app.act(verb, task)

    def action_aim(self, verb: str) -> None:
        """Answer, or edit the plan; it may wait for a person."""
        task = self.current
        if task is None:
            return
        if verb == "answer" and task.needs is None:
            self.app.say("it asks nothing")
        elif verb == "edit" and task.done:
            self.app.say("it is over")
        else:
            self.app.begin(getattr(self.app.aiming, verb)(task), verb)

    def action_whole(self) -> None:
        """All of its task."""
        self.app.open_whole(self.goal)


def is_goal(task: Task | None) -> bool:
    """Whether this screen is for it."""
    return task is not None and task.spec.kind is TaskKind.GOAL
