"""Events in order with a time limit, taken up again where a slow reader was let go."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from inspan.client.link import Closing
from inspan.errors import DaemonUnreachable, FellBehind

if TYPE_CHECKING:
    from inspan.cli.reach import Reached
    from inspan.model.event import Event

#: A stream that gives nothing this soon, when it was given longer, has ended.
_SOON: Final = 0.001


class Follower(Closing):
    """Events after ``since``; of one task, where one is named."""

    def __init__(self, control: Reached, since: int | None, task: str | None = None) -> None:
        self._control = control
        self._task = task
        #: The last event that was seen: where another Follower takes over.
        self.since = since
        self._watch = control.watch(since, task=task)

    def close(self) -> None:
        """Let go of the stream."""
        self._watch.close()

    def next(self, timeout: float) -> Event | None:
        """The next event, or ``None`` when ``timeout`` seconds have passed.

        Raises DaemonUnreachable where the daemon is gone or is leaving.
        """
        asked = time.monotonic()
        try:
            event = self._watch.recv(timeout)
        except FellBehind:
            self._watch.close()
            self._watch = self._control.watch(self.since, task=self._task)
            return None
        if event is not None:
            self.since = event.seq
        elif timeout > _SOON > time.monotonic() - asked:
            raise DaemonUnreachable("the daemon has closed the stream of events")
        return event
