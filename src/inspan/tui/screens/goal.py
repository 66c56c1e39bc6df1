"""The screen of one goal: how far it is, what it asks, and its steps as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from inspan.model.ids import short
from inspan.model.pursuit import Pursuit, StepState, StepTold
from inspan.model.task import Task, TaskKind
from inspan.settings.figures import show_duration
from inspan.telling import goals, phrases, plans
from inspan.telling.outcome import hint_of
from inspan.terminal.sanitize import columns, one_line
from inspan.tui.screens.frame import Frame

if TYPE_CHECKING:
    from inspan.tui.app import Cockpit

#: From so many columns on a step tells what it is about, too.
_TITLED = 70
_STATE_WIDE = 10


class GoalScreen(Frame):
    """It stays open, with what was known last, where the goal is deleted."""

    DEFAULT_CSS = """
    GoalScreen #goal-about { height: auto; max-height: 50%; padding: 0 1; }
    GoalScreen OptionList { height: 1fr; }
    """
    AUTO_FOCUS = "OptionList"
    HELP_TITLE: ClassVar[str] = "A goal"
    HELP_MORE: ClassVar[tuple[tuple[str, str], ...]] = (("Enter", "the task of a step"),)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.back", "Back"),
        Binding("a", "aim('answer')", "Answer", tooltip="approve its plan, or what else it asks"),
        Binding("e", "aim('edit')", "Edit", tooltip="edit its plan, in $EDITOR"),
        Binding("o", "whole", "Facts", tooltip="all facts of its task, and what it says"),
        Binding("i", "act('interrupt')", "Interrupt", show=False),
        Binding("u", "act('resume')", "Take up again", show=False),
        Binding("c", "act('cancel')", "Cancel", show=False),
    ]

    def __init__(self, app: Cockpit, goal: str) -> None:
        super().__init__(app, "goal")
        self.goal = goal
        self._last = app.known.tasks.get(goal)
        self._about = Static("", markup=False, id="goal-about")
        self._steps = OptionList(id="graph", markup=False)

    def show(self, goal: str) -> None:
        """Show this one, from when it is on the screen."""
        if goal != self.goal:
            self.goal, self._last = goal, None
            self._steps.clear_options()

    @property
    def current(self) -> Task | None:
        """The goal."""
        self._last = self.app.known.tasks.get(self.goal) or self._last
        return self._last

    def body(self) -> ComposeResult:
        with Vertical():
            yield self._about
            yield self._steps

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

    # ── drawing ───────────────────────────────────────────────────────────────

    def fill(self) -> None:
        """Draw what is known; each line that stays the same stays."""
        task, found = self.current, self.app.headway.of(self.goal)
        if task is None:
            return
        width = max(20, self.size.width - 2)
        now = self.app.clock.now()
        lines = [*_about(task, found, now)]
        self._about.update(Text("\n").join(lines))
        wanted = [] if found is None else [*_steps(found, width, now)]
        if [one.id for one in self._steps.options] == [name for name, _ in wanted]:
            for name, text in wanted:
                if self._steps.get_option(name).prompt != text:
                    self._steps.replace_option_prompt(name, text)
            return
        at = self._steps.highlighted
        chosen = None if at is None else self._steps.get_option_at_index(at).id
        self._steps.set_options([Option(text, id=name) for name, text in wanted])
        names = [name for name, _ in wanted]
        if names:
            self._steps.highlighted = names.index(chosen) if chosen in names else 0

    # ── what somebody does ────────────────────────────────────────────────────

    @on(OptionList.OptionSelected)
    def _opened(self, event: OptionList.OptionSelected) -> None:
        found = self.app.headway.of(self.goal)
        step = (
            next((one for one in found.steps if one.name == event.option_id), None)
            if found
            else None
        )
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


def _about(task: Task, found: Pursuit | None, now: float) -> Iterator[Text]:
    """What it is, how far, what it asks, and in the end what came of it."""
    yield Text(phrases.title(task.spec), style="bold", no_wrap=True, overflow="ellipsis")
    told = [f"{short(task.id)}", phrases.took(task, now)]
    if found is not None and found.plan is not None:
        told.append(f"{found.done} of {len(found.steps)} steps done")
        told.append(f"plan {found.version}, by {found.by}")
    state = (f"{task.state.value}  ", phrases.STYLES[task.state])
    yield Text.assemble(state, (one_line(" · ".join(told)), "dim"), no_wrap=True)
    if task.needs is not None:
        yield Text(one_line(f"asks: {task.needs.question}"), style="yellow")
        yield Text("a answers it, e edits the plan", style="dim")
    elif task.done:
        said = task.outcome.message if task.outcome is not None else ""
        why = said or (task.reason.message if task.reason is not None else "")
        yield Text(one_line(why), style=phrases.STYLES[task.state])
        hint = task.outcome.hint if task.outcome is not None and task.outcome.ok else hint_of(task)
        if hint:
            yield Text(one_line(hint), style="dim")
    elif found is not None and found.plan is None:
        yield Text("It is being planned. e writes a plan.", style="dim")
    yield Text()


def _steps(found: Pursuit, width: int, now: float) -> Iterator[tuple[str, Text]]:
    """Each step by its name, below the last that it waits for."""
    if found.plan is None:
        return
    by_name = {one.name: one for one in found.steps}
    branches = plans.tree(found.plan)
    widest = max((columns(one.rails) + columns(one.step.name) for one in branches), default=0)
    widest = min(widest, max(12, width - _STATE_WIDE - 12))
    for branch in branches:
        one = by_name[branch.step.name]
        style = goals.STYLES[one.state]
        name = one_line(branch.step.name, max(4, widest - columns(branch.rails)))
        gap = " " * max(0, widest - columns(branch.rails) - columns(name))
        left = width - widest - _STATE_WIDE - 8
        said = _said(one, branch, left, now) if width >= _TITLED else _who(one, now)
        yield (
            branch.step.name,
            Text.assemble(
                (branch.rails, "dim"),
                (f"{goals.MARKS[one.state]} ", style),
                name,
                (f"{gap}  {one.state.value:<{_STATE_WIDE}}", style),
                (f"  {one_line(said, max(4, left))}" if said else "", "dim"),
                no_wrap=True,
                overflow="ellipsis",
            ),
        )


def _who(one: StepTold, now: float) -> str:
    told = [one.agent] if one.agent else []
    if one.rounds:
        told.append(f"{one.rounds} review{'s' * (one.rounds != 1)}")
    if one.merged:
        told.append("merged")
    if one.started_at is not None:
        told.append(show_duration(float(int(max(0.0, (one.ended_at or now) - one.started_at)))))
    return ", ".join(told)


def _said(one: StepTold, branch: plans.Branch, left: int, now: float) -> str:
    who = _who(one, now) or plans.estimate(branch.step)
    why = one.why if one.state in (StepState.FAILED, StepState.NEEDS) else ""
    what = why or plans.what(branch)
    return f"{who}: {what}" if who and left > columns(who) + 8 else who or what
