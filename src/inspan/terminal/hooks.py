"""What an agent's hooks say that it does, as a reading beside what its terminal shows.

It reads no clock and knows no agent: which hook means what, the hook says. A hook tells that
something begins or ends; what becomes of it when a person interferes no hook tells. So what
somebody types overtakes it, and what is shown may.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from inspan.model.activity import Doing, Reading, Source
from inspan.model.hook import Hook
from inspan.model.task import Needs

#: Seconds for which the end of a turn counts. The next may begin without a hook, and then the
#: screen has to be heard; by now it shows that the turn has ended.
_ENDED: Final = 10.0
#: An agent that works, by its own rules, so many seconds after it asked has its answer: no hook
#: tells that. What is drawn in between may be older than the question.
_OVERTAKES: Final = 1.0
_UNSEEN: Final = "it asks something, and no rule reads what: `inspan attach` shows it"


class Hooks:
    """Those of one agent: the last counts."""

    def __init__(self) -> None:
        self._said: Reading | None = None

    def heard(self, hook: Hook, at: float) -> None:
        """It ran ``hook`` at ``at``."""
        doing = hook.doing
        asked = Needs(hook.kind, _UNSEEN) if doing is Doing.WAITING else None
        holds = _ENDED if doing is Doing.IDLE else None
        words = f"it ran its hook {hook.event}"
        self._said = Reading(doing, Source.HOOK, at, hook.event, words, needs=asked, holds=holds)

    def forget(self) -> None:
        """What was said counts no more: somebody typed, or it is not known when it was said."""
        self._said = None

    def beside(self, seen: Reading | None) -> list[Reading]:
        """All that is said, now that ``seen`` is what the terminal shows.

        Where both wait, it asks what is shown.
        """
        said = self._said
        if said is not None and said.doing is Doing.WAITING and seen is not None:
            if seen.doing is Doing.WORKING and seen.at > said.at + _OVERTAKES:
                said = self._said = None
            elif seen.doing is Doing.WAITING and seen.needs is not None:
                said = replace(said, needs=seen.needs)
        return [reading for reading in (said, seen) if reading is not None]
