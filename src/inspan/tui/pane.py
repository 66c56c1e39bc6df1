"""The live terminal of one task: watched, searched, copied, and typed into while attached.

While attached every key goes to the program but the one that leaves. A pane that nobody sees holds
no emulator and no connection; what it missed is read again when it is seen. Nothing that a program
prints leaves it but as coloured cells, and no question of the program's is answered from here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, TypeAlias

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from inspan.control import Control
from inspan.errors import InspanError, WriterTaken
from inspan.terminal.canvas import Make
from inspan.tui.clock import Clock
from inspan.tui.feed import Feed
from inspan.tui.finding import Finder
from inspan.tui.focus import hand_to
from inspan.tui.view import TerminalView

#: How much that was typed may wait for the program; what is more is refused with a word.
TYPED_MOST: Final = 1 << 20
#: Seconds for which a new size is left to settle.
_SETTLES: Final = 0.1


class Running(Protocol):
    """Something that goes on beside."""

    def cancel(self) -> object: ...


#: Has something done beside everything else, under a name.
Fire: TypeAlias = Callable[[Coroutine[Any, Any, object], str], Running]


def key_name(byte: int) -> str:
    """What Textual calls the key that sends this control."""
    signs = {0x1C: "backslash", 0x1D: "right_square_bracket", 0x1E: "circumflex_accent"}
    name = "underscore" if byte == 0x1F else signs.get(byte, chr(byte | 0x60))
    return f"ctrl+{name}"


class Pane(Vertical):
    """The terminal of a session, with a line of hints below it."""

    DEFAULT_CSS = """
    Pane { height: 1fr; }
    Pane > TerminalView { height: 1fr; }
    Pane > #hint { height: 1; color: $text-muted; }
    Pane.attached > #hint { background: $accent; color: $text; }
    Pane > Input { height: 1; border: none; padding: 0; display: none; }
    Pane > Input.asks { display: block; }
    """
    HELP_TITLE: ClassVar[str] = "A terminal"
    HELP_MORE: ClassVar[tuple[tuple[str, str], ...]] = (
        ("PgUp PgDn ↑ ↓ Home End", "what has scrolled away"),
        ("Ctrl-\\", "leave it running, where the settings name no other key"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "attach", "Type into it"),
        Binding("slash", "find", "Find"),
        Binding("n", "next(1)", "Next", show=False),
        Binding("N", "next(-1)", "Previous", show=False),
        Binding("y", "copy", "Copy", show=False),
        Binding("s", "save", "Save text", show=False),
    ]

    class Attached(Message):
        """Somebody types into it from now on, or no more."""

        def __init__(self, pane: Pane, *, writing: bool) -> None:
            super().__init__()
            self.pane = pane
            self.writing = writing

    def __init__(
        self,
        control: Control,
        session: str,
        *,
        make: Make,
        clock: Clock,
        fire: Fire,
        leave: int = 0x1C,
    ) -> None:
        super().__init__()
        self._control = control
        self._session = session
        self._clock = clock
        self._fire = fire
        self._leave = leave
        self.view = TerminalView(make, clock)
        self.view.leave_key = key_name(leave)
        self._hint = Static("", id="hint", markup=False)
        self._asks = Input(compact=True)
        self._answered: Callable[[str], None] | None = None
        self._finder = Finder(self.view)
        self._feed: Feed | None = None
        self._following: Running | None = None
        self._typed: deque[bytes] = deque()
        self._typing: Running | None = None
        self._settling: Running | None = None
        self._word = ""
        self._robs = False

    def compose(self) -> ComposeResult:
        """The terminal, what is asked, and the hints."""
        yield self.view
        yield self._asks
        yield self._hint

    # ── seen and unseen ───────────────────────────────────────────────────────

    def on_mount(self) -> None:
        self.call_after_refresh(self._look)

    def on_show(self) -> None:
        self._look()

    def on_hide(self) -> None:
        self._rest()

    def on_unmount(self) -> None:
        self._rest()

    def suspend(self) -> None:
        """Another screen lies over it."""
        self._rest()

    def resume(self) -> None:
        """It is seen again."""
        self._look()

    def show_session(self, session: str) -> None:
        """Look at another session, or again at this."""
        self._rest()
        self._session, self._word, self._robs = session, "", False
        self._finder = Finder(self.view)
        self._answered = None
        self._asks.remove_class("asks")
        self._tell()
        self._look()

    @property
    def session(self) -> str:
        """The one that is looked at."""
        return self._session

    @property
    def writing(self) -> bool:
        """Whether keys go to the program."""
        return self.view.keys is not None

    def _look(self) -> None:
        if self._following is None and self.is_attached and self.view.seen:
            self._begin(writer=False, steal=False)

    def _rest(self) -> None:
        """Let go of all that looking costs."""
        self._give_back()
        if self._following is not None:
            self._following.cancel()
        self._following = self._feed = None
        self.view.shut()
        # Textual keeps what it drew: another session would begin with the terminal of the last.
        self.view.refresh()

    def _begin(self, *, writer: bool, steal: bool) -> None:
        if self._following is not None:
            self._following.cancel()
        if self._feed is None or self._feed.ended or not self.view.open:
            self._feed = Feed(self._control, self._session, self.view, self._clock, self._say)
        self._following = self._fire(
            self._follow(self._feed, writer=writer, steal=steal), f"terminal {self._session}"
        )

    async def _follow(self, feed: Feed, *, writer: bool, steal: bool) -> None:
        try:
            await feed.run(writer=writer, steal=steal)
        except WriterTaken:
            self._robs = not steal
            # What is to be replaced is this: it ends by itself.
            self._following = None
            self._watch("somebody else types into it; a again takes it over")
            return
        except InspanError as error:
            self._give_back()
            self._say(str(error))
            return
        self._give_back()
        self._say("it has ended")

    def _watch(self, word: str) -> None:
        self._give_back()
        self._begin(writer=False, steal=False)
        self._say(word)

    # ── typing ────────────────────────────────────────────────────────────────

    def action_attach(self) -> None:
        """Every key goes to the program from now on, but the one that leaves."""
        if self.writing or self._feed is None or self._feed.ended:
            return
        hand_to(self.view)
        self.view.keys = self._type
        self.add_class("attached")
        self._begin(writer=True, steal=self._robs)
        self._robs = False
        self._fit()
        self._say("")
        self.post_message(self.Attached(self, writing=True))

    def detach(self) -> None:
        """Leave it running, and watch on."""
        if self.writing:
            self._watch("")

    def on_key(self, event: events.Key) -> None:
        """The one key that leaves."""
        if self.writing and event.key == self.view.leave_key:
            event.stop()
            event.prevent_default()
            self.detach()
        elif self._answered is not None and event.key == "escape":
            event.stop()
            self._ask_no_more()

    def _give_back(self) -> None:
        if self._typing is not None:
            self._typing.cancel()
        self._typing = None
        self._typed.clear()
        if self.writing:
            self.view.keys = None
            self.remove_class("attached")
            self._tell()
            self.post_message(self.Attached(self, writing=False))

    def _type(self, data: bytes) -> None:
        if sum(map(len, self._typed)) + len(data) > TYPED_MOST:
            self._say("the program does not read: what you type is dropped")
            return
        self._typed.append(data)
        if self._typing is None:
            self._typing = self._fire(self._types(), f"typing into {self._session}")

    async def _types(self) -> None:
        try:
            while self._typed and self._feed is not None:
                if self._feed.link is None:
                    await self._clock.sleep(_SETTLES / 10)
                    continue
                data = b"".join(self._typed)
                self._typed.clear()
                await self._feed.type(data)
        except InspanError as error:
            self._say(str(error))
        finally:
            self._typing = None

    def on_resize(self) -> None:
        """The program's terminal follows, while somebody types here."""
        self._look()
        self._fit()

    def _fit(self) -> None:
        if self.writing and self._settling is None:
            self._settling = self._fire(self._fits(), f"size of {self._session}")

    async def _fits(self) -> None:
        """Once the size has settled, and there is a connection."""
        try:
            await self._clock.sleep(_SETTLES)
            while self.writing and self._feed is not None:
                if self._feed.link is not None:
                    size = self.view.scrollable_content_region.size
                    await self._feed.resize(max(1, size.width), max(1, size.height))
                    return
                await self._clock.sleep(_SETTLES)
        except InspanError as error:
            self._say(str(error))
        finally:
            self._settling = None

    # ── hints and questions ───────────────────────────────────────────────────

    def _say(self, word: str) -> None:
        self._word = word
        self._tell()

    def _tell(self) -> None:
        if not self.is_mounted:
            return
        if self.writing:
            leave = self.view.leave_key.replace("ctrl+", "Ctrl-").replace("backslash", "\\")
            hint = f"Every key goes to the program. {leave} leaves it running."
        else:
            hint = "a types into it · / finds · y copies · s saves its text"
        self._hint.update(" · ".join(filter(None, (self._word, hint))))

    def _ask(self, words: str, answered: Callable[[str], None]) -> None:
        self._answered = answered
        self._asks.value, self._asks.placeholder = "", words
        self._asks.add_class("asks")
        hand_to(self._asks)

    def _ask_no_more(self) -> None:
        self._answered = None
        self._asks.remove_class("asks")
        hand_to(self.view)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """What was asked for."""
        event.stop()
        answered = self._answered
        self._ask_no_more()
        if answered is not None and event.value:
            answered(event.value)

    def action_find(self) -> None:
        """Look for text in all that the terminal holds."""
        self._ask("find", self._find)

    def _find(self, text: str) -> None:
        self._say(self._finder.find(text))

    def action_next(self, step: int) -> None:
        """To the next place where it was found."""
        self._say(self._finder.go(step))

    def action_copy(self) -> None:
        """What is selected, else what is shown, to the clipboard of the person's terminal."""
        text = self.screen.get_selected_text() or "\n".join(self.view.shown()).rstrip()
        self.app.copy_to_clipboard(text)
        self._say(f"{len(text)} characters copied")

    def action_save(self) -> None:
        """All its text, to a file that does not exist yet."""
        self._ask("file to save its text in", self._save)

    def _save(self, name: str) -> None:
        text = "\n".join(self.view.lines()).rstrip() + "\n"
        path = Path(name).expanduser()
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            self._say(f"not saved: {error.strerror}")
        else:
            self._say(f"saved in {path}")
