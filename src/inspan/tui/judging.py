"""What a person decides of a task's changes: by dialogs, and Control's verbs.

What was said of lines is kept by task until it was sent: a verdict that is refused, a connection
that is lost, a screen that is left or a program that is killed costs nobody a word.
"""

from __future__ import annotations

from typing import Final

from inspan.control import Control
from inspan.model.task import Task, Verdict
from inspan.telling import phrases
from inspan.terminal.sanitize import one_line, unveiled
from inspan.tui.dialogs.asking import Dialogs
from inspan.tui.dialogs.comment import CommentDialog, SendBackDialog
from inspan.tui.dialogs.confirm import ConfirmDialog
from inspan.tui.review import Anchor, Comments, Review
from inspan.tui.unsent import Unsent

#: A task with comments that were not sent.
MARK: Final = "» "
_REJECTED: Final = "What it changed is not taken. Its work is saved, and its worktree goes."


class Judging:
    """Of tasks, through one Control."""

    def __init__(self, control: Control, dialogs: Dialogs, kept: Unsent) -> None:
        self._control = control
        self._dialogs = dialogs
        self._kept = kept
        self._comments: dict[str, Comments] = {}
        #: Tasks of which the comments are here alone.
        self._only_here: set[str] = set()

    def comments(self, task_id: str) -> Comments:
        """What was said of a task's changes, and not sent."""
        if task_id not in self._comments:
            self._comments[task_id] = self._kept.read(task_id)
        return self._comments[task_id]

    def told(self, task: Task) -> str:
        """What stands before its name where something was said of it and not sent."""
        return MARK if task.id in self._kept.tasks or task.id in self._only_here else ""

    @property
    def unsent(self) -> int:
        """How many comments there are that nobody was sent and that would be lost."""
        return sum(len(self._comments[task]) for task in self._only_here)

    def _keep(self, task_id: str) -> None:
        comments = self._comments[task_id]
        if self._kept.keep(task_id, comments) or not comments:
            self._only_here.discard(task_id)
        else:
            self._only_here.add(task_id)

    async def may_go(self) -> bool:
        """Whether all comments may be forgotten that nobody was sent."""
        count = self.unsent
        words = "1 comment was" if count == 1 else f"{count} comments were"
        text = f"{words} not sent. Quit and forget {'it' if count == 1 else 'them'}?"
        dialog = ConfirmDialog("Quit", text, yes="Quit (y)", no="Stay (n)")
        sure = await self._dialogs.ask(dialog)
        return sure is True

    async def comment(self, task: Task, review: Review, line: int) -> bool:
        """Have something said of a line of its changes; true where it is."""
        anchor = review.anchor(line)
        dialog = CommentDialog(_where(anchor), unveiled(anchor.text), review.said(line))
        words = await self._dialogs.ask(dialog)
        if words is not None:
            review.say(line, words)
            self._keep(task.id)
        return words is not None

    async def accept(self, task: Task) -> bool:
        """Take what it changed, if that is meant; true where it was taken."""
        branch = task.workspace.branch if task.workspace is not None else None
        kept = f"It is committed on branch {one_line(branch)}. " if branch else ""
        text = f"Accept {phrases.title(task.spec)}?\n{kept}Its worktree goes.{self._left(task)}"
        dialog = ConfirmDialog("Accept changes", text, yes="Accept it (y)", no="Not yet (n)")
        return await self._decide(task, Verdict.ACCEPT, dialog)

    async def reject(self, task: Task) -> bool:
        """Refuse what it changed, if that is meant; true where it was refused."""
        text = f"Reject {phrases.title(task.spec)}?\n{_REJECTED}{self._left(task)}"
        dialog = ConfirmDialog("Reject changes", text, yes="Reject it (y)", no="Not yet (n)")
        return await self._decide(task, Verdict.REJECT, dialog)

    async def send_back(self, task: Task) -> Task | None:
        """Have it done again with all that was said; the task that does it, where one does."""
        comments = self.comments(task.id)
        dialog = SendBackDialog(phrases.title(task.spec), comments.message())
        message = await self._dialogs.ask(dialog)
        comments.keep(dialog.written)
        self._keep(task.id)
        if message is None:
            return None
        again = await self._control.decide(task.id, Verdict.SEND_BACK, (message,))
        comments.clear()
        self._keep(task.id)
        return again

    async def _decide(self, task: Task, verdict: Verdict, dialog: ConfirmDialog) -> bool:
        if not await self._dialogs.ask(dialog):
            return False
        await self._control.decide(task.id, verdict)
        self.comments(task.id).clear()
        self._keep(task.id)
        return True

    def _left(self, task: Task) -> str:
        """That comments are not told by this."""
        count = len(self.comments(task.id))
        words = "1 comment is" if count == 1 else f"{count} comments are"
        gone = "it is" if count == 1 else "they are"
        return f"\n{words} not sent by this, and then {gone} forgotten." if count else ""


def _where(anchor: Anchor) -> str:
    number = anchor.new or anchor.old
    gone = " (removed)" if anchor.old and not anchor.new else ""
    return unveiled(anchor.file) + (f":{number}" if number else "") + gone
