"""A new code session: its name, its folder and Python, and what it may; as `inspan py` has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from inspan.model.code import Sandbox
from inspan.model.value import value
from inspan.tui.dialogs.form import Choice, Field, Form

_NETWORK: Final = (("no network", "no"), ("the network", "yes"))
_CONFINED: Final = (
    ("confined as far as this machine can", Sandbox.AUTO.value),
    ("only where it is confined in full", Sandbox.REQUIRE.value),
    ("not confined: it may do all that you may", Sandbox.OFF.value),
)


@value(frozen=True, kw_only=True)
class NewSession:
    """As it was written: nothing of it is looked up, and paths are as a shell splits them."""

    name: str = ""
    folder: str = ""
    python: str = ""
    read: str = ""
    write: str = ""
    ask: str = ""
    memory: str = ""
    net: bool = False
    sandbox: Sandbox = Sandbox.AUTO


class NewSessionDialog(Form[NewSession]):
    """``begun`` is what its fields hold at first."""

    HEADING = "A new code session"
    FIELDS = (
        Field("named", "Name", "by which it is found again, also by inspan py"),
        Field("folder", "Folder", "where it works, and may read"),
        Field("python", "Python", "another one, from 3.11 on"),
        Field("read", "Reads", "other files and folders"),
        Field("write", "Writes", "files and folders; else in one of its own alone"),
        Field("ask", "Asks for", "human, tasks, store, store=NAME, http=ORIGIN"),
        Field("memory", "Memory", "as 2G; half the machine's where nothing is said"),
    )
    BUTTON = ("open", "Open", "opens")
    AUTO_FOCUS = "#named"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "make", "Open", priority=True)]

    def __init__(self, begun: NewSession) -> None:
        super().__init__()
        self.begun = begun

    def held(self) -> Iterable[str]:
        begun = self.begun
        first = (begun.name, begun.folder, begun.python, begun.read, begun.write, begun.ask)
        return (*first, begun.memory)

    def choices(self) -> Iterable[Choice]:
        yield Choice("net", "Network", _NETWORK, "yes" if self.begun.net else "no")
        yield Choice("sandbox", "Sandbox", _CONFINED, self.begun.sandbox.value)

    def made(self) -> NewSession:
        said = self.written()
        return NewSession(
            name=said.pop("named"),
            **said,
            net=self.chosen("net") == "yes",
            sandbox=Sandbox(self.chosen("sandbox")),
        )
