"""A new goal: what is to be reached, where, and who plans, works and reviews."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from inspan.model.value import value
from inspan.tui.dialogs.form import Choice, Field, Form

_ATTENDED: Final = (("the plan waits for you", "no"), ("unattended: it goes on at once", "yes"))


@value(frozen=True, kw_only=True)
class NewGoal:
    """As it was written: nothing of it is looked up."""

    goal: str = ""
    folder: str = ""
    workers: str = ""
    planner: str = ""
    reviewer: str = ""
    check: str = ""
    unattended: bool = False


class NewGoalDialog(Form[NewGoal]):
    """``begun`` is what its fields hold at first."""

    HEADING = "A new goal"
    FIELDS = (
        Field("goal", "Goal", "what is to be reached, with all that matters"),
        Field("folder", "Folder", "the git repository; empty: this one"),
        Field("workers", "Works", "claude, codex …; empty: the first found"),
        Field("planner", "Plans", "empty: who works"),
        Field("reviewer", "Reviews", "empty: another than who works; none: nobody"),
        Field("check", "Check", "a command that has to pass, as make test"),
    )
    WRONG = "There is no goal yet."
    AUTO_FOCUS = "#goal"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "make", "Start", priority=True)]

    def __init__(self, begun: NewGoal) -> None:
        super().__init__()
        self.begun = begun

    def held(self) -> Iterable[str]:
        begun = self.begun
        return begun.goal, begun.folder, begun.workers, begun.planner, begun.reviewer, begun.check

    def choices(self) -> Iterable[Choice]:
        yield Choice("alone", "Plan", _ATTENDED, "yes" if self.begun.unattended else "no")

    def made(self) -> NewGoal | None:
        said = self.written()
        made = NewGoal(**said, unattended=self.chosen("alone") == "yes")
        return made if said["goal"] else None
