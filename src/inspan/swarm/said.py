"""The words of a task's agent, and the JSON in them: what a planner or a reviewer answered.

An agent that speaks by lines tells its words itself; of any other program counts all that it
printed. It is text and nothing more: what is made of it is checked by whoever asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from inspan.agents.dialect import Turn
from inspan.agents.json_lines import Lines
from inspan.agents.signs import Said
from inspan.errors import BadInput
from inspan.model.agent import Mode
from inspan.model.session import Ended, Gap, Output
from inspan.model.task import Task
from inspan.swarm.steady import Steady
from inspan.terminal.sanitize import clean

if TYPE_CHECKING:
    from inspan.agents.dialect import Dialect, Talk

#: The most that is read of what a task printed, and at a time; in bytes.
_READ_MOST: Final = 64 << 20
_PAGE: Final = 1 << 20
#: The most characters that are kept of its words, the last ones.
_WORDS_MOST: Final = 4 << 20
_FENCED: Final = re.compile(r"```\w*[ \t]*\r?\n(.*?)```", re.DOTALL)
_OPENED: Final = re.compile(r"^[ \t]*\{", re.MULTILINE)
#: So many places in a text are tried, the last ones first.
_PLACES_MOST: Final = 200

Dialects: TypeAlias = "Callable[[str], Dialect | None]"


async def words_of(control: Steady, task: Task, dialects: Dialects) -> str:
    """What the newest attempt of ``task`` said."""
    if task.session is None:
        return ""
    words = _Words(_talk(task, dialects))
    offset = 0
    while offset < _READ_MOST:
        before = offset
        for chunk in await control.read(task.session, offset, _PAGE):
            if isinstance(chunk, Ended):
                return words.close()
            if isinstance(chunk, Gap):
                words.skip()
                offset = chunk.end
            elif isinstance(chunk, Output):
                words.feed(chunk)
                offset = chunk.offset + len(chunk.data)
        if offset == before:
            break
    return words.close()


def _talk(task: Task, dialects: Dialects) -> Talk | None:
    """How its lines are read; ``None`` where they are text."""
    dialect = dialects(task.spec.provider)
    mode = None if dialect is None else task.spec.mode or dialect.modes[0]
    if dialect is None or mode is None or mode is Mode.PTY:
        return None
    return dialect.talk(Turn(prompt=task.spec.prompt or "", mode=mode))


class _Words:
    """Bytes in, words out; bounded."""

    def __init__(self, talk: Talk | None) -> None:
        self._talk = talk
        self._lines = Lines()
        self._kept: list[str] = []
        self._size = 0

    def skip(self) -> None:
        """Some of it is no longer there."""
        self._lines.skip()

    def feed(self, chunk: Output) -> None:
        """It printed that."""
        if self._talk is not None:
            self._hear(self._talk, self._lines.feed(chunk.data))
        elif chunk.stream != "err":
            self._keep(clean(chunk.data.decode(errors="replace")))

    def close(self) -> str:
        """All of it, from its end."""
        if self._talk is not None:
            self._hear(self._talk, self._lines.close())
        return "".join(self._kept)[-_WORDS_MOST:]

    def _hear(self, talk: Talk, lines: list[bytes]) -> None:
        for line in lines:
            for sign in talk.heard(line):
                if isinstance(sign, Said):
                    self._keep(sign.text if sign.more else f"\n{sign.text}")

    def _keep(self, text: str) -> None:
        self._kept.append(text)
        self._size += len(text)
        if self._size > 2 * _WORDS_MOST:
            self._kept = ["".join(self._kept)[-_WORDS_MOST:]]
            self._size = _WORDS_MOST


def object_in(words: str) -> dict[str, Any]:
    """The last JSON object of a text, in a fence or bare. Raises BadInput where there is none."""
    for found in _objects(words):
        if isinstance(found, dict):
            return found
    raise BadInput("there is no JSON object in the answer")


def _objects(words: str) -> Iterator[Any]:
    """Those that begin a line, the outermost and last first."""
    for text in [*reversed(_FENCED.findall(words)), words]:
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            continue
    decoder, end = json.JSONDecoder(), 0
    bare: list[Any] = []
    for place in list(_OPENED.finditer(words))[-_PLACES_MOST:]:
        if place.end() - 1 < end:
            continue  # within the one before
        try:
            found, end = decoder.raw_decode(words, place.end() - 1)
        except (ValueError, RecursionError):
            continue
        bare.append(found)
    yield from reversed(bare)
