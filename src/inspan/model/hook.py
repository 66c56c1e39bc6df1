"""What a hook that an agent runs says of it, and how that is spelled on the agent's terminal::

    ESC ] 7770 ; hook ; EVENT ; DOING [ ; KIND ] ST

It is not an announcement of the program's (``terminal.announce``), and counts for less. A dialect
spells it, and whoever reads a terminal reads it; neither knows the other.
"""

from __future__ import annotations

import re
from typing import Final

from inspan.model.activity import Doing
from inspan.model.value import value

#: Of the operating system command.
NUMBER: Final = "7770"
_SPELLED: Final = re.compile(
    r"hook;([A-Za-z0-9_]{1,40});(working|waiting|idle|unknown)(?:;(permission|question|prompt))?"
)


@value(frozen=True)
class Hook:
    """The agent ran its hook ``event``, and so does this; ``kind``: what it asks, if it waits.

    Unknown: what was said before counts no more, and its screen has to be heard.
    """

    event: str
    doing: Doing
    kind: str = "permission"

    def __str__(self) -> str:
        """What stands between ``ESC ]`` and ST."""
        kind = (self.kind,) if self.doing is Doing.WAITING else ()
        return ";".join((NUMBER, "hook", self.event, self.doing.value, *kind))


def read(words: str) -> Hook | None:
    """What stands behind the number; nothing where no hook says it."""
    found = _SPELLED.fullmatch(words)
    if found is None:
        return None
    event, doing, kind = found.groups()
    return Hook(event, Doing(doing), kind) if kind else Hook(event, Doing(doing))
