"""A new task: what it is, who does it, where, and after what; as `inspan add` has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from inspan.model.task import WorkspaceKind
from inspan.model.value import value
from inspan.tui.dialogs.form import Choice, Field, Form

_PLACES: Final = (
    ("in that folder", WorkspaceKind.HERE.value),
    ("in a worktree of its own", WorkspaceKind.WORKTREE.value),
    ("in a new folder of its own", WorkspaceKind.FOLDER.value),
)


@value(frozen=True)
class NewTask:
    """As it was written: nothing of it is looked up."""

    what: str
    agent: str = ""
    folder: str = ""
    workspace: WorkspaceKind = WorkspaceKind.HERE
    after: str = ""
    name: str = ""
    #: The command that sets its place up first, where that is its own.
    setup: str = ""


class NewTaskDialog(Form[NewTask]):
    """``begun`` is what its fields hold at first."""

    HEADING = "A new task"
    FIELDS = (
        Field("what", "What", "a command line, or what to ask the agent"),
        Field("agent", "Agent", "claude, codex …; empty for a command"),
        Field("folder", "Folder", "where it works"),
        Field("after", "After", "ids of tasks to wait for"),
        Field("named", "Name", "what to call it"),
        Field("setup", "Set-up", "a command to run first in a place of its own"),
    )
    WRONG = "There is nothing to do yet."
    AUTO_FOCUS = "#what"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "make", "Start", priority=True)]

    def __init__(self, begun: NewTask) -> None:
        super().__init__()
        self.begun = begun

    def held(self) -> Iterable[str]:
        begun = self.begun
        return begun.what, begun.agent, begun.folder, begun.after, begun.name, begun.setup

    def choices(self) -> Iterable[Choice]:
        yield Choice("place", "Where", _PLACES, self.begun.workspace.value)

    def made(self) -> NewTask | None:
        said = self.written()
        place = WorkspaceKind(self.chosen("place"))
        what, agent, folder = said["what"], said["agent"], said["folder"]
        made = NewTask(what, agent, folder, place, said["after"], said["named"], said["setup"])
        return made if what else None
