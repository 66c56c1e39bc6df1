"""What a person has done with the task that is selected: by dialogs, and Control's verbs.

Each is fired, since it waits for a person. What Control refuses is an error like any other: it is
shown with its hint, and nothing was changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import anyio

from inspan.control import Control
from inspan.errors import BadInput, IllegalTransition, InspanError
from inspan.model.ids import short
from inspan.model.task import Task, TaskSpec, TaskState, WorkspaceKind
from inspan.telling import phrases
from inspan.tui.dialogs.answer import AnswerDialog
from inspan.tui.dialogs.asking import Dialogs
from inspan.tui.dialogs.confirm import ConfirmDialog
from inspan.tui.dialogs.newtask import NewTask, NewTaskDialog

_STOPPABLE: Final = "It and all that it started are ended; its recording and its workspace stay."
_RESUMABLE: Final = "Nothing of it runs any more then; it can be taken up again."

#: Makes what was written to a task, as the command line does; it may read files.
Make: TypeAlias = Callable[[NewTask], TaskSpec]


class Acting:
    """On tasks, through one Control."""

    def __init__(self, control: Control, dialogs: Dialogs, make: Make | None = None) -> None:
        self._control = control
        self._dialogs = dialogs
        self._make = make
        self._written = NewTask("")

    async def new(self) -> Task | None:
        """Hand in a task. Where that fails, what was written is there the next time."""
        if self._make is None:
            raise BadInput("here no task can be handed in")
        written = await self._dialogs.ask(NewTaskDialog(self._written))
        if written is None:
            return None
        self._written = written
        task = await self._control.submit(await anyio.to_thread.run_sync(self._make, written))
        agent, folder, place = written.agent, written.folder, written.workspace
        self._written = NewTask("", agent, folder, place, setup=written.setup)
        return task

    async def answer(self, task: Task) -> None:
        """Answer what it asks now, which need not be what was seen."""
        task = await self._control.get(task.id)
        if task.needs is None:
            raise IllegalTransition(f"{short(task.id)} asks nothing now")
        where = f"{phrases.title(task.spec)} · {task.spec.provider} · {task.folder}"
        dialog = AnswerDialog(task.needs, where, await self._diff(task))
        reply = await self._dialogs.ask(dialog)
        if reply is not None:
            await self._control.answer(task.id, reply.text, question=reply.question or None)

    async def cancel(self, task: Task) -> None:
        """Give it up, if that is meant."""
        text = f"Cancel {phrases.title(task.spec)}?\n{_STOPPABLE}"
        dialog = ConfirmDialog("Cancel a task", text, yes="Cancel it (y)", no="Keep it (n)")
        if not task.done and await self._dialogs.ask(dialog):
            await self._control.cancel(task.id, reason="by hand, in inspan tui")

    async def interrupt(self, task: Task) -> None:
        """Stop it; it can go on later, so that nobody has to be asked."""
        await self._control.interrupt(task.id, reason="by hand, in inspan tui")

    async def stop(self, task: Task) -> None:
        """The same, where somebody has many before them and may have meant another."""
        text = f"Interrupt {phrases.title(task.spec)}?\n{_RESUMABLE}"
        dialog = ConfirmDialog("Interrupt", text, yes="Interrupt it (y)", no="Leave it (n)")
        if not task.done and await self._dialogs.ask(dialog):
            await self.interrupt(task)

    async def resume(self, task: Task) -> None:
        """Let it go on."""
        await self._control.resume(task.id)

    async def _diff(self, task: Task) -> str:
        """What it changed so far, where that can be told."""
        if task.workspace is None or task.workspace.kind is not WorkspaceKind.WORKTREE:
            return ""
        try:
            return await self._control.diff(task.id)
        except InspanError:
            return ""  # the question matters more


def in_vain(verb: str, task: Task) -> str:
    """Why there is no use in that, as far as is known of the task; else nothing."""
    stopped = task.state is TaskState.INTERRUPTED
    match verb:
        case "answer":
            return "it asks nothing" if task.needs is None else ""
        case "resume":
            return "" if stopped or task.is_parked else "it was not interrupted"
        case "interrupt" if stopped:
            return "it is interrupted already"
        case _:
            return "it is over" if task.done else ""
