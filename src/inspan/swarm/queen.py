"""The Queen: she leads one goal from its plan to merged work, and is nothing but its guest.

Each thing that she does is known again by a key or by what git has, so that one who is killed at
any point is replaced by another, who walks the same way and finds done what was done. Each step is
led by a coroutine of its own (``leading``); she says what begins when.
"""

from __future__ import annotations

import logging
import time
from typing import Final

import anyio
import anyio.abc

from inspan.control import Control
from inspan.errors import InspanError
from inspan.model.agent import Ending, Outcome, PartFailed
from inspan.model.event import Planned
from inspan.model.goal import PlanStep
from inspan.model.ids import short
from inspan.model.task import StopKind, Task, TaskState
from inspan.swarm.branch import Branch
from inspan.swarm.breaker import ALIKE, Breaker
from inspan.swarm.chronicle import Chronicle
from inspan.swarm.forecast import Forecast, standing, works
from inspan.swarm.leading import Leading, StepFailed
from inspan.swarm.means import Means
from inspan.swarm.planning import approved
from inspan.swarm.said import Dialects
from inspan.swarm.steady import Steady
from inspan.swarm.summary import summary
from inspan.swarm.turns import Turns
from inspan.swarm.voice import Voice
from inspan.swarm.wishes import Wishes

log = logging.getLogger(__name__)

#: Seconds between two looks at what will not go together.
_FORESEE_EVERY: Final = 1.0
#: Who stops a task with its goal, which is let go on with it.
_GOAL: Final = "goal"
#: How often she looks for what is still at work, where she is stopped.
_LOOKS: Final = 5


class Queen:
    """``reign`` returns when the goal is over; cancelling it leaves all as it is."""

    def __init__(self, control: Control, goal: Task, wishes: Wishes, dialects: Dialects) -> None:
        self._control = Steady(control)
        self._goal = goal
        self._wishes = wishes
        self._dialects = dialects
        self.voice: Final = Voice()
        self._chronicle = Chronicle(self._control, goal)
        #: Steps by name: those that are led, and how they ended.
        self._led: set[str] = set()
        self._done: dict[str, str] = {}
        self._failed: dict[str, PartFailed] = {}
        self._breaker = Breaker()
        self._moved = anyio.Event()

    async def reign(self) -> None:
        """Lead the goal to its end, and tell how it ended."""
        await self._chronicle.read()
        self.voice.began(self._goal.id)
        async with anyio.create_task_group() as around:
            around.start_soon(self._chronicle.follow)
            around.start_soon(self._count)
            await self._wake_up()
            branch = await Branch.of(self._goal, self._wishes.base)
            forecast = Forecast(branch)
            means = Means(
                self._control,
                self._chronicle,
                self.voice,
                self._goal,
                self._wishes,
                branch,
                self._dialects,
                Turns(lambda: forecast.clashes),
            )
            around.start_soon(self._warn_of_uncommitted, branch)
            plan = await approved(means)
            around.start_soon(self._foresee, forecast)
            many = len(plan.plan.steps)
            steps_told = f"{many} step{'s' if many > 1 else ''}"
            self.voice.say(f"{steps_told}, to be merged onto {branch.name}")
            async with anyio.create_task_group() as steps:
                await self._lead(means, steps)
            await self._tidy(branch)
            self._close(branch)
            around.cancel_scope.cancel()

    async def stop(self) -> None:
        """Stop what works for the goal, as the goal itself was: to be resumed, or for good.

        After ``reign``: nothing more is handed in then. What was on its way is heard of a moment
        later.
        """
        goal = await self._control.get(self._goal.id)
        for_good = goal.stop is not None and goal.stop.kind is StopKind.CANCEL
        for _ in range(_LOOKS):
            await self._chronicle.read()
            tasks = tuple(self._chronicle.tasks.values())
            working = [task for task in tasks if self._is_left(task, for_good=for_good)]
            if not working:
                return
            async with anyio.create_task_group() as group:
                for task in working:
                    group.start_soon(self._stop_one, task.id, for_good)

    def _is_left(self, task: Task, *, for_good: bool) -> bool:
        # What only awaits a verdict runs nothing: resumed, it would be done a second time.
        stands = task.state is TaskState.INTERRUPTED or task.awaits_verdict
        return task.id != self._goal.id and not task.done and (for_good or not stands)

    async def _stop_one(self, task: str, for_good: bool) -> None:
        control = self._control.control
        try:
            if for_good:
                await control.cancel(task, reason="its goal was cancelled")
            else:
                await control.interrupt(task, reason="its goal was interrupted", by=_GOAL)
        except InspanError as error:  # it has just ended
            log.info("%s", error)

    # ── steps ────────────────────────────────────────────────────────────────

    async def _lead(self, means: Means, group: anyio.abc.TaskGroup) -> None:
        """Begin what can begin, up to twice the slots at once, until nothing is left to begin."""
        most = 2 * means.wishes.slots
        while True:
            moved = self._moved
            ready = [
                (turn, step) for turn, step in enumerate(self._steps()) if self._is_ready(step)
            ]
            if not (ready or self._led) or (ready and not await self._goes_on()):
                return
            for turn, step in ready[: most - len(self._led)]:
                self._led.add(step.name)
                group.start_soon(self._one, means, step, turn)
            await moved.wait()

    async def _goes_on(self) -> bool:
        """Whether more may begin: where steps fail alike, a person says so."""
        why = self._breaker.why
        if why is None:
            return True
        question = f"{ALIKE} steps in a row came to the same: {why}. Begin others all the same?"
        answer = await self.voice.ask(question, ("go on", "stop"))
        self._breaker.close()
        return answer == "go on"

    def _steps(self) -> tuple[PlanStep, ...]:
        planned: Planned | None = self._chronicle.planned
        return planned.plan.steps if planned is not None else ()

    def _is_ready(self, step: PlanStep) -> bool:
        known = step.name in self._led or step.name in self._done or step.name in self._failed
        return not known and all(name in self._done for name in step.after)

    async def _one(self, means: Means, step: PlanStep, turn: int) -> None:
        """One step, whose failure is its own."""
        before = {name: self._done[name] for name in step.after}
        try:
            leading = Leading(means, step, turn, before)
            self._done[step.name] = await leading.lead(self._done)
            self._breaker.done()
            self.voice.step(step.name, commit=leading.merged)
            self.voice.say(f"✓ {step.name}")
        except (StepFailed, InspanError) as error:
            why, hint = error.message, error.hint
            self._failed[step.name] = PartFailed(step.name, error.code, why, hint)
            self._breaker.failed(why)
            self.voice.step(step.name, why=why, hint=hint)
            self.voice.warn("; ".join(filter(None, (f"✗ {step.name}: {why}", hint))))
        finally:
            self._led.discard(step.name)
            self._moved.set()
            self._moved = anyio.Event()

    # ── the beginning and the end ─────────────────────────────────────────────

    async def _wake_up(self) -> None:
        """Let go on what was interrupted with the goal."""
        for task in tuple(self._chronicle.tasks.values()):
            by_goal = task.stop is not None and task.stop.by == _GOAL
            if task.state is TaskState.INTERRUPTED and by_goal:
                self._chronicle.know(await self._control.resume(task.id))

    async def _warn_of_uncommitted(self, branch: Branch) -> None:
        """Tell a person, when the goal begins, what those who work on it will not see."""
        if len(self._chronicle.tasks) > 1:
            return
        try:
            many = await branch.uncommitted()
        except (InspanError, OSError) as error:
            log.info("what is not committed is not known: %s", error)
            return
        if many:
            files = "file here is" if many == 1 else "files here are"
            self.voice.warn(
                f"{many} {files} not committed: who works on the goal does not see that"
            )

    async def _count(self) -> None:
        """Tell what it has used in this attempt, whenever that grows."""
        chronicle = self._chronicle
        while True:
            counted = chronicle.counted
            self.voice.used(chronicle.used.minus(chronicle.goal.used_before))
            while chronicle.counted == counted:
                await chronicle.news()

    async def _foresee(self, forecast: Forecast) -> None:
        """Tell which results will not go together, as soon as that can be known."""
        seen: object = None
        while True:
            open_ = works(tuple(self._chronicle.tasks.values()))
            now = standing(open_)
            if now == seen:
                await self._chronicle.news()
                await anyio.sleep(_FORESEE_EVERY)  # each event would be too often for many steps
                continue
            seen = now
            try:
                for clash in await forecast.look(open_):
                    self.voice.say(f"  {clash.told}")
            except (InspanError, OSError) as error:  # a worktree went while it was looked at
                log.info("no forecast: %s", error)

    async def _tidy(self, branch: Branch) -> None:
        """Take away the branches of what is merged; that is no reason to fail."""
        tasks = [task for task in self._chronicle.tasks.values() if task.done]
        try:
            await branch.tidy(tasks)
        except InspanError as error:
            log.warning("branches of merged steps stay: %s", error)

    def _close(self, branch: Branch) -> None:
        steps = self._steps()
        told = summary(self._chronicle, steps, self._done, self._failed, time.process_time())
        self.voice.say(told)
        onto = f", merged onto {branch.name}" if self._done else ""
        message = f"{len(self._done)} of {len(steps)} done{onto}"
        goal = short(self._goal.id)
        if len(self._done) == len(steps):
            hint = f"`inspan merge {goal}` takes it over."
            self.voice.say(f"it is on {branch.name}: {hint}")
            self.voice.ended(Outcome(Ending.DONE, message, hint))
            return
        left = [step.name for step in steps if step.name not in {*self._done, *self._failed}]
        failed = tuple(self._failed.values())
        each = [f"failed: {part.name}: {part.why}" for part in failed]
        unbegun = [f"not begun: {', '.join(left)}"] if left else []
        told = "; ".join([message, *each, *unbegun])
        also = f"; `inspan merge {goal}` takes over what is done" if self._done else ""
        hint = f"`inspan goal log {goal}` tells how that came{also}."
        self.voice.ended(Outcome(Ending.FAILED, told, hint, failed=failed))
