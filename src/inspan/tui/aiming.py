"""What a person does with goals: one is handed in, its plan is approved, refused or edited.

What was written of a plan is kept until it is stored. It knows no screen, and not how an editor is
started.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import anyio

from inspan.control import Control
from inspan.errors import BadInput, Conflict, IllegalTransition, InspanError
from inspan.goals import planned
from inspan.model.goal import GoalPlan
from inspan.model.ids import short
from inspan.model.task import Task, TaskSpec
from inspan.settings import planfile
from inspan.tui.dialogs.asking import Dialogs
from inspan.tui.dialogs.choice import ChoiceDialog
from inspan.tui.dialogs.confirm import ConfirmDialog
from inspan.tui.dialogs.newgoal import NewGoal, NewGoalDialog

#: Makes what was written to a goal, as the command line does; it may read files.
MakeGoal: TypeAlias = Callable[[NewGoal], TaskSpec]
#: Has a person edit a text, and gives what they leave.
Write: TypeAlias = Callable[[str], str]
_SOURCE: Final = "the plan"


class Aiming:
    """Through one Control."""

    def __init__(
        self,
        control: Control,
        dialogs: Dialogs,
        make: MakeGoal | None,
        write: Write,
        say: Callable[[str], None],
    ) -> None:
        self._control = control
        self._dialogs = dialogs
        self._make = make
        self._write = write
        self._say = say
        self._written = NewGoal()
        #: By goal: what was written of its plan and is not stored.
        self._drafts: dict[str, str] = {}

    async def new(self) -> Task | None:
        """Hand in a goal. Where that fails, what was written is there the next time."""
        if self._make is None:
            raise BadInput("here no goal can be handed in")
        written = await self._dialogs.ask(NewGoalDialog(self._written))
        if written is None:
            return None
        self._written = written
        spec = await anyio.to_thread.run_sync(self._make, written)
        task = await self._control.submit(spec)
        self._written = NewGoal(
            folder=written.folder,
            workers=written.workers,
            planner=written.planner,
            reviewer=written.reviewer,
            check=written.check,
        )
        return task

    async def answer(self, goal: Task) -> None:
        """Answer what it asks now: with one of its words."""
        goal = await self._control.get(goal.id)
        needs = goal.needs
        if needs is None:
            raise IllegalTransition(f"{short(goal.id)} asks nothing now")
        options = tuple((one, one) for one in needs.options)
        text = await self._dialogs.ask(ChoiceDialog("It asks", needs.question, options))
        if text is not None:
            await self._control.answer(goal.id, text, question=needs.id or None)

    async def edit(self, goal: Task) -> None:
        """Have a person edit its plan, until it is stored or they leave it."""
        found = await planned(self._control, goal.id)
        version = 0 if found is None else found.version
        before = None if found is None else found.plan
        plan = await self._edited(goal.id, before)
        if plan is None:
            return
        if plan == before:
            self._say("the plan is as it was")
        else:
            await self._store(goal.id, plan, version)
        self._drafts.pop(goal.id, None)

    async def _edited(self, goal: str, before: GoalPlan | None) -> GoalPlan | None:
        """A plan that is one; ``None`` where it was left."""
        text = self._drafts.get(goal) or planfile.written(before)
        while True:
            text = self._write(text)
            self._drafts[goal] = text
            try:
                plan = planfile.parsed(text, _SOURCE)
            except InspanError as error:
                if not await self._sure("The plan has a mistake", error.message, "Edit it again"):
                    self._say("what you wrote is there when you edit it again")
                    return None
                continue
            if plan is None:
                del self._drafts[goal]
                self._say("the plan is as it was")
            return plan

    async def _store(self, goal: str, plan: GoalPlan, version: int) -> None:
        """Raises what ``replan`` does; Conflict also where a newer plan is to stay."""
        while True:
            try:
                await self._control.replan(goal, plan, version=version)
            except Conflict:
                newer = await planned(self._control, goal)
                if newer is None or newer.version == version:
                    raise
                words = f"{newer.by} stored version {newer.version}. Put yours in its place?"
                if not await self._sure("Somebody was quicker", words, "Put mine in its place"):
                    raise
                version = newer.version
            else:
                return

    async def _sure(self, heading: str, words: str, yes: str) -> bool:
        dialog = ConfirmDialog(heading, words, yes=f"{yes} (y)", no="Leave it (n)")
        answer = await self._dialogs.ask(dialog)
        return answer is True
