"""What a person decides of a task's changes: by dialogs, and Control's verbs.

What was said of lines is kept here by task, from one look to the next, until it was sent: a verdict
that is refused, a connection that is lost or a screen that is left costs nobody a word.
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

_REJECTED: Final = "What it changed is not taken. Its work is saved, and its worktree goes."


class Judging:
    """Of tasks, through one Control."""

    def __init__(self, control: Control, dialogs: Dialogs) -> None:
        self._control = control
        self._dialogs = dialogs
        self._comments: dict[str, Comments] = {}

    def comments(self, task_id: str) -> Comments:
        """What was said of a task's changes, and not sent."""
        return self._comments.setdefault(task_id, Comments())

    @property
    def unsent(self) -> int:
        """How many comments there are that nobody was sent."""
        return sum(map(len, self._comments.values()))

    async def may_go(self) -> bool:
        """Whether all comments may be forgotten that nobody was sent."""
        count = self.unsent
        words = "1 comment was" if count == 1 else f"{count} comments were"
        text = f"{words} not sent. Quit and forget {'it' if count == 1 else 'them'}?"
        dialog = ConfirmDialog("Quit", text, yes="Quit (y)", no="Stay (n)")
        sure = await self._dialogs.ask(dialog)
        return sure is True

    async def comment(self, review: Review, line: int) -> bool:
        """Have something said of a line; true where it is."""
        anchor = review.anchor(line)
        dialog = CommentDialog(_where(anchor), unveiled(anchor.text), review.said(line))
        words = await self._dialogs.ask(dialog)
        if words is not None:
            review.say(line, words)
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
        if message is None:
            return None
        again = await self._control.decide(task.id, Verdict.SEND_BACK, (message,))
        comments.clear()
        return again

    async def _decide(self, task: Task, verdict: Verdict, dialog: ConfirmDialog) -> bool:
        if not await self._dialogs.ask(dialog):
            return False
        await self._control.decide(task.id, verdict)
        return True

    def _left(self, task: Task) -> str:
        """That comments are not told by this."""
        count = len(self.comments(task.id))
        words = "1 comment is" if count == 1 else f"{count} comments are"
        return f"\n{words} not sent by this." if count else ""


def _where(anchor: Anchor) -> str:
    number = anchor.new or anchor.old
    gone = " (removed)" if anchor.old and not anchor.new else ""
    return unveiled(anchor.file) + (f":{number}" if number else "") + gone
