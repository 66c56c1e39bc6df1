"""What a session of one program may ask for where that grants it: pages, and the person before it.

Nothing is stored. What takes an engine, tasks and a store, it knows by name only, to say so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from inspan.engine.code.asks import Question, given_of
from inspan.engine.code.capabilities import AskHuman, question_of
from inspan.engine.code.fetch import Fetch
from inspan.engine.code.ports import Web
from inspan.errors import BadInput, NotFound, NotGranted, PromiseRejected

#: Asked a question; ``None`` where there is no answer.
Person = Callable[[str], Awaitable[str | None]]

_WORDS: Final = {Fetch.grant: Fetch.word, AskHuman.grant: AskHuman.grant}
_ELSEWHERE: Final = ("store", "tasks")
_WHERE: Final = "is granted to sessions of the daemon alone: `inspan py --session NAME --grant {}`"


class Alone:
    """Called with a name and what came with it; see ``kernel.host.answers``."""

    def __init__(self, web: Web, capabilities: Sequence[str], person: Person) -> None:
        """Raises BadInput for what cannot be granted."""
        self._person = person
        self._fetch = Fetch(web)
        self._given = {
            grant: given_of(capabilities, grant) for grant in (Fetch.grant, AskHuman.grant)
        }
        for word in capabilities:
            grant = word.partition("=")[0]
            if grant in _ELSEWHERE:
                raise BadInput(f"{grant!r} {_WHERE.format(word)}")
            if grant not in self._given:
                raise BadInput(
                    f"there is no {word[:100]!r} to grant; there is http=ORIGIN and human"
                )
        self._fetch.check(self._given[Fetch.grant])
        AskHuman().check(self._given[AskHuman.grant])

    async def __call__(self, name: str, payload: Any) -> Any:
        """The answer. Raises InspanError."""
        grant = name.partition(".")[0]
        if grant in _ELSEWHERE:
            raise NotGranted(f"{name!r} {_WHERE.format(grant)}")
        if name not in (Fetch.name, AskHuman.name):
            raise NotFound(f"There is no capability {name!r}.")
        given = self._given[grant]
        if not given:
            raise NotGranted(f"{name!r} was not granted: `--grant {_WORDS[grant]}` does.")
        question = Question(given, payload)
        if name == Fetch.name:
            return await self._fetch.asked(question)
        answer = await self._person(question_of(question))
        if answer is None:
            raise PromiseRejected("Nobody wants to answer.")
        return answer
