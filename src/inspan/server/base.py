"""What a daemon has to give to a task that comes from afar, as the server asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from inspan.model.agent import Mode, is_agent
from inspan.server.query import Flag

if TYPE_CHECKING:
    from inspan.model.code import CodeSpec
    from inspan.model.task import Handover, TaskSpec

BASE: Final = Flag(
    "base",
    "what it lacks is the daemon's own: variables, its agent's keys, and the folder where `cwd`"
    " is empty",
)


class Base(Protocol):
    """Fills in what is missing, and changes nothing that was said. It may block."""

    def task(self, spec: TaskSpec) -> TaskSpec:
        """A task that can run here. Raises FolderMissing, and what looking up keys does."""
        ...

    def handover(self, to: Handover) -> Handover:
        """What another agent gets here."""
        ...

    def by_lines(self, provider: str, mode: Mode | None) -> bool:
        """Whether that is an agent which is spoken to by lines, and not on a terminal."""
        ...

    def code(self, spec: CodeSpec) -> CodeSpec:
        """A code session that can be opened here. Raises FolderMissing."""
        ...


class NoBase:
    """Nothing is filled in."""

    def task(self, spec: TaskSpec) -> TaskSpec:
        return spec

    def handover(self, to: Handover) -> Handover:
        return to

    def by_lines(self, provider: str, mode: Mode | None) -> bool:
        return is_agent(provider) and mode is not Mode.PTY

    def code(self, spec: CodeSpec) -> CodeSpec:
        return spec
