"""Ends all processes of a session until it is proven that none is left, a step at a time.

Between two steps the loop goes on, so that no other session waits for a process that dies slowly.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from inspan.keeper import processes, tree
from inspan.keeper.cgroups import Cgroups
from inspan.keeper.forker import Forkers
from inspan.keeper.guardian import Guardian
from inspan.keeper.loop import Loop
from inspan.keeper.processes import Table
from inspan.keeper.session import Session

#: The first look comes after this time, each next one after twice as long, up to the most.
_FIRST: Final = 0.002
_PAUSE_MOST: Final = 0.1
#: After this time what is left is reported as left: it hangs in the kernel, or is not ours to kill.
_PATIENCE: Final = 5.0
#: The same while new ones come, or the dead wait to be waited for: it goes on, however slowly.
_PATIENCE_MOST: Final = 30.0

#: A table of processes is used for so many seconds.
_FRESH: Final = 0.005


class Outcome(NamedTuple):
    """How many were found at the end, and the ways by which any were found."""

    left: int
    by: list[str]


class Hunter:
    """Knows what every hunt needs: who else there is, and the cgroups."""

    def __init__(
        self,
        loop: Loop,
        cgroups: Cgroups,
        sessions: dict[str, Session],
        guardian: Guardian,
        forkers: Forkers,
    ) -> None:
        self._loop = loop
        self._cgroups = cgroups
        self._sessions = sessions
        self._guardian = guardian
        self._forkers = forkers
        self._table: Table | None = None
        self._hunted: set[Session] = set()

    def find(self, session: Session, *, since: float | None = None) -> tuple[Table, dict[int, str]]:
        """The living processes of a session and how each was found.

        It is looked at anew, or with ``since`` in a table that is no older than that moment and was
        made for another session a little while ago.
        """
        table = self._table
        if table is None or since is None or not since < table.at > time.monotonic() - _FRESH:
            table = self._table = Table()
        found = session.tree.find(
            table,
            roots=self.roots(),
            cgroup=self._cgroups.members(session.name),
            alone=self._alone,
        )
        return table, found

    def roots(self) -> set[int]:
        """The children that are no orphans: the living roots of all sessions, and our own."""
        roots = {session.pid for session in self._sessions.values() if session.alive}
        return roots | {self._guardian.pid} | self._forkers.pids

    @property
    def _alone(self) -> bool:
        """Whether every stranger must be of the one session: none is about to be another."""
        return len(self._sessions) == 1 and not self._forkers.busy

    def quiet(self, session: Session) -> bool:
        """Whether nothing of an ended session can be left, for there is nobody; cheap."""
        return not (self._cgroups.populated(session.name) or processes.strangers(self.roots()))

    def leftovers(self, session: Session) -> int:
        """How many processes an ended session left behind, as far as that can be seen.

        Of one that is being killed its hunt tells that, when it is over.
        """
        if session in self._hunted or self.quiet(session):
            return 0
        young = session.tree.orphans(self.roots(), alone=self._alone)
        if len(young) >= tree.ORPHANS_MOST:
            return processes.living(young)
        return len(self.find(session)[1])

    def kill(
        self, session: Session, done: Callable[[Outcome], None], *, since: float | None = None
    ) -> None:
        """SIGKILL to all of them until none is left; then ``done`` is called.

        Who kills many at once names the moment ``since`` which what they started is to be seen.
        """
        by: set[str] = set()
        began = time.monotonic()
        self._hunted.add(session)

        def over(left: int) -> None:
            self._hunted.discard(session)
            done(Outcome(left, sorted(by)))

        def step(pause: float, since: float | None, before: set[int]) -> None:
            if self._cgroups.kill(session.name):
                by.add("cgroup")
            if session.alive:
                tree.send_group(session.pid, signal.SIGKILL)
            struck = session.tree.rush(self.roots()) if before else set()
            if struck <= before:
                struck = session.tree.strike(self.roots(), alone=self._alone)
            if struck:
                by.add("subreaper")
            # While new ones keep coming, and while the dead are many, a table shows nothing of use.
            storm = not struck <= before
            vain = storm or (bool(struck) and processes.all_ended(struck))
            found = 0 if vain else self._kill_found(session, since, by)
            now = time.monotonic()
            if not (struck or found or session.alive):
                over(0)
            elif now >= began + (_PATIENCE_MOST if vain else _PATIENCE):
                # Nothing is proven while one that the storm left was not waited for.
                over(found or (max(1, processes.living(struck)) if struck else 0))
            elif storm:
                self._loop.later(0.0, lambda: step(_FIRST, now, before | struck))
            else:
                longer = min(pause * 2, _PAUSE_MOST)
                self._loop.later(pause, lambda: step(longer, now, struck))

        step(_FIRST, since, set())

    def _kill_found(self, session: Session, since: float | None, by: set[str]) -> int:
        table, found = self.find(session, since=since)
        by.update(found.values())
        for pid in found:
            tree.send(table.processes[pid], signal.SIGKILL)
        return len(found)
