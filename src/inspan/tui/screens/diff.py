"""The screen with what a task changed: read, commented on, accepted, rejected or sent back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import anyio
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from inspan.errors import InspanError
from inspan.model.task import Task
from inspan.telling import phrases
from inspan.terminal.sanitize import one_line, unveiled
from inspan.tui.focus import hand_to
from inspan.tui.patch import Patch, parse
from inspan.tui.patchview import PatchView
from inspan.tui.review import Review
from inspan.tui.screens.frame import Frame

if TYPE_CHECKING:
    from inspan.tui.app import Cockpit

_READS: Final = "reading what it changed …"
_NOTHING: Final = "It changed nothing."


class Diff(Frame):
    """What it shows stays as it was read, until it is read anew."""

    AUTO_FOCUS = "PatchView"
    HELP_TITLE: ClassVar[str] = "Changes of a task"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("q", "app.back", "Back", show=False),
        Binding("c", "comment", "Comment"),
        Binding("a", "verdict('accept')", "Accept"),
        Binding("x", "verdict('reject')", "Reject"),
        Binding("s", "send_back", "Send back"),
        Binding("slash", "search", "Search", key_display="/"),
        Binding("u", "again", "Read it anew", show=False),
    ]

    def __init__(self, app: Cockpit, task: Task) -> None:
        super().__init__(app, "diff")
        self._shows = task
        self.view = PatchView()
        self._about = Static("", id="diff-about", markup=False)
        self._told = Static(_READS, id="diff-told", markup=False)
        self._words = Input(id="find", placeholder="text in the changes", select_on_focus=False)
        self._reads = False
        self._matches = ""

    @property
    def current(self) -> Task:
        """The task, as it is known now."""
        return self.app.known.tasks.get(self._shows.id, self._shows)

    def body(self) -> ComposeResult:
        with Vertical():
            yield self._about
            yield self._told
            yield self.view

    def below(self) -> ComposeResult:
        yield self._words

    def on_mount(self) -> None:
        self._words.display = self.view.display = False
        self.action_again()

    def heard(self, ids: set[str] | None) -> None:
        super().heard(ids)
        if ids is None or self._shows.id in ids:
            self._draw()

    # ── reading ───────────────────────────────────────────────────────────────

    def action_again(self) -> None:
        """Read what it changed up to now; comments find their lines again."""
        if not self._reads:
            self._reads = True
            self.app.begin(self._read(), "what a task changed")

    async def _read(self) -> None:
        try:
            text = await self.app.control.diff(self._shows.id)
            patch = await anyio.to_thread.run_sync(parse, text)
        except InspanError as error:
            if self.view.review is not None:
                raise
            # There is room for it: a dialog would say the same once more.
            self._say("\n".join(map(one_line, filter(None, (error.message, error.hint)))))
            return
        finally:
            self._reads = False
        if self.is_mounted:
            self._show(patch)

    def _show(self, patch: Patch) -> None:
        if not len(patch):
            self._say(_NOTHING)
            return
        self._told.display, self.view.display = False, True
        self.view.show(Review(patch, self.app.judging.comments(self._shows.id)))
        if self.focused is None:
            hand_to(self.view)
        self._draw()

    def _say(self, words: str) -> None:
        """In the place of changes, where there are none."""
        if self.view.review is None:
            self._told.update(words)

    @on(PatchView.Moved)
    def _draw(self) -> None:
        task, review = self.current, self.view.review
        said = phrases.state(task, None)
        parts = [(phrases.title(task.spec), "bold"), (said, phrases.STYLES[task.state])]
        if task.verdict is not None:
            parts.append((task.verdict.value.replace("_", " "), ""))
        if review is not None:
            parts += [(words, "dim") for words in self._counted(review)]
        line = Text("  ").join(Text(words, style=style) for words, style in parts)
        line.no_wrap = True
        self._about.update(line)

    def _counted(self, review: Review) -> list[str]:
        files = review.patch.files
        count = len(review.comments)
        at = review.patch.file_at(self.view.line)
        place = f"file {at + 1} of {len(files)}" if files else ""
        added, removed = sum(one.added for one in files), sum(one.removed for one in files)
        name = unveiled(files[at].name) if at >= 0 else ""
        comments = f"{count} comment{'s' if count > 1 else ''}" if count else ""
        return list(filter(None, (f"+{added} -{removed}", comments, self._matches, place, name)))

    # ── deciding ──────────────────────────────────────────────────────────────

    def action_comment(self) -> None:
        """Say something of the line that is pointed at."""
        if self.view.review is not None and self.view.review.rows:
            self.app.begin(self._comment(self.view.review, self.view.line), "a comment")

    async def _comment(self, review: Review, line: int) -> None:
        if (
            await self.app.judging.comment(self.current, review, line)
            and self.view.review is review
        ):
            self.view.point(line)

    def action_verdict(self, verdict: str) -> None:
        """Take it or refuse it, after a question; it waits for a person."""
        self.app.begin(self._verdict(verdict), verdict)

    async def _verdict(self, verdict: str) -> None:
        if await getattr(self.app.judging, verdict)(self.current):
            self._over()

    def action_send_back(self) -> None:
        """Have it done again, with what was said of it."""
        self.app.begin(self._send_back(), "send back")

    async def _send_back(self) -> None:
        if await self.app.judging.send_back(self.current) is not None:
            self._over()

    def _over(self) -> None:
        """It is decided: back to where one came from."""
        if self.is_attached and self.app.screen is self:
            self.dismiss()

    # ── a search ──────────────────────────────────────────────────────────────

    def action_search(self) -> None:
        """Look for text in the changes."""
        if self.view.review is not None:
            self._words.display = True
            hand_to(self._words)

    @on(Input.Submitted, "#find")
    def _search(self, event: Input.Submitted) -> None:
        event.stop()
        count = self.view.search(event.value)
        self._matches = f"{count} found" if event.value else ""
        self._close_search()

    def _close_search(self) -> None:
        self._words.display = False
        hand_to(self.view)
        self._draw()

    def action_leave(self) -> None:
        """Out of the search, else back."""
        if self._words.display:
            self._close_search()
        else:
            self.dismiss()
